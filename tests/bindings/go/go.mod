module larshm-tests

go 1.19

require larshm v0.0.0

replace larshm => ../../../reader/bindings/go
