module larshm

go 1.19
