#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The manual tells the truth: its prototypes are the header's, its examples compile and link, its options exist. That the
# pages are well-formed is checked where they are built (docs/larshm.1 and so on); the keys of larshm.conf(5) in
# integration/sample_conf_test.c.

setup() {
  header=$SOURCE/reader/include/larshm/larshm.h
  cc=(cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$SOURCE/reader/include")
}

# Public functions.
functions() {
  grep -oE '\blarshm_[a-z_]+\(' "$header" | tr -d '(' | sort -u
}

# literal PAGE HEADING: the literal blocks of a section, as the reader sees them.
literal() {
  awk -v heading="# $2" '
    !literal && /^# / { on = $0 == heading }
    /^```$/ { literal = !literal; next }
    literal && on' "$1" | sed 's/\\\\/\\/g'
}

# The options that --help of a program and of its commands list.
helped() {
  local command
  for command in "" $(commands "$1" | grep -vx bench | tr ' ' /); do
    # shellcheck disable=SC2086
    "$BIN/$1" ${command//\// } --help
  done | grep -oE '^ {2,6}(-., )?--[a-z-]+' | sed 's/^ *//' | sort -u
}

# The options that a page explains.
explained() {
  tr -d '*' <"$1" | grep -oE $'^\t*(-., )?--[a-z-]+' | tr -d '\t' | sort -u
}

# The commands that --help of a program lists.
commands() {
  "$BIN/$1" --help | sed -nE '/^Commands:$/,/^$/s/^  ([a-z-]+( [a-z]+)?).*/\1/p'
}

same() {
  diff "$1" "$2" || {
    echo "$3"
    return 1
  }
}

# pages SECTION...: the sources of those pages.
pages() {
  local section
  for section; do
    find "$SOURCE" -name "larshm*.$section.scd" -not -path "*/build/*"
  done
}

@test "every public function has a page that shows it as the header declares it" {
  cd "$BATS_TEST_TMPDIR"
  for page in $(pages 3); do
    literal "$page" SYNOPSIS >synopsis.c
    grep -qx '#include <larshm/larshm.h>' synopsis.c
    "${cc[@]}" -c -o synopsis.o synopsis.c
    grep -oE '\blarshm_[a-z_]+\(' synopsis.c | tr -d '(' >>shown || true
    sed -n '/^# NAME$/{n;n;s/ - .*//;s/, /\n/g;p}' "$page" | while read -r name; do
      [ "$name" = larshm ] || grep -q "\b$name(" synopsis.c
      [ "$(readlink -f "$BUILD/man/$name.3")" = "$BUILD/man/$(basename "$page" .scd)" ]
    done
  done
  functions >declared
  sort shown >sorted
  same declared sorted "larshm.h and the pages in reader/man have different functions"
}

@test "larshm(3) lists every public function, and every code with its value" {
  cd "$BATS_TEST_TMPDIR"
  page=$SOURCE/reader/man/larshm.3.scd
  functions >declared
  sed -nE 's/^.\[ \*(larshm_[a-z_]+)\*\(3\)$/\1/p' "$page" | sort >listed
  same declared listed "larshm.h and larshm(3) have different functions"
  {
    echo '#include <larshm/larshm.h>'
    sed -nE '/^\|\[ LARSHM_/{s/^\|\[ //;N;s/\n:\[ / == /;s/.*/_Static_assert(&, "&");/p}' "$page"
  } >codes.c
  "${cc[@]}" -c -o codes.o codes.c
  sed '/^enum larshm_status/,/^}/!d' "$header" >declared_codes
  [ "$(grep -c _Static_assert codes.c)" -eq "$(grep -cE '^ +LARSHM_[A-Z_]+ =' declared_codes)" ]
}

@test "every example of section 3 compiles without a warning and links" {
  cd "$BATS_TEST_TMPDIR"
  for page in $(pages 3); do
    literal "$page" EXAMPLE >example.c
    [ -s example.c ] || {
      echo "$page has no example"
      return 1
    }
    "${cc[@]}" -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -shared -fPIC -Wl,--no-undefined -o example.so example.c \
      -L "$BUILD/lib" -llarshm -Wl,-rpath,"$BUILD/lib" || {
      echo "the example of $page"
      return 1
    }
  done
}

@test "every program has a page, which explains its options and commands and no others" {
  cd "$BATS_TEST_TMPDIR"
  for page in $(pages 1 8); do
    program=$(basename "$page" | sed 's/\..*//')
    helped "$program" >options
    explained "$page" >options_of_page
    same options options_of_page "$program --help and its page have different options"
    commands "$program" | while read -r command; do
      grep -qE "^\*$command\*" "$page" || {
        echo "$page does not explain '$command'"
        return 1
      }
    done
    sed -n '/^# COMMANDS$/,/^# /p' "$page" | sed -nE 's/^\*([a-z -]+)\*.*/\1/p' >commands_of_page
    while read -r command; do
      # shellcheck disable=SC2086
      "$BIN/$program" $command --help >/dev/null
    done <commands_of_page
    echo "$program" >>with_page
  done
  (cd "$BIN" && printf '%s\n' larshm*) >programs
  sort with_page >sorted
  same programs sorted "not the programs that have pages"
}

# Lines of a list or an example of --help that were too long, so that they go on at the left margin.
broken() {
  awk '/^ / { list = list || heading } /^$/ { list = 0 } list && /^[^ ]/ { print last " // " $0 } { heading = /:$/; last = $0 }'
}

@test "each line of a list or an example of --help fits a terminal" {
  local command
  for program in larshm larshm-fetcher larshm-bridge larshm-dns larshm-reporter larshm-bench; do
    while read -r command; do
      # shellcheck disable=SC2086
      "$BIN/$program" $command --help | broken >"$BATS_TEST_TMPDIR/broken"
      [ ! -s "$BATS_TEST_TMPDIR/broken" ] || {
        echo "$program $command --help: $(cat "$BATS_TEST_TMPDIR/broken")"
        return 1
      }
    done < <(echo; commands "$program" | grep -vx bench)
  done
}

@test "the unit of a directory has the admin socket's directory, of the port that the directory listens at" {
  port=$("$BIN/larshm-dns" serve --help | tr -s ' \n' ' ' | sed -n 's/.*(default 127.0.0.1:\([0-9]*\)).*/\1/p')
  [ -n "$port" ]
  grep -qx "RuntimeDirectory=larshm/dns.$port" "$SOURCE/conf/larshm-dns.service.in"
  literal "$SOURCE/reader/man/larshm.7.scd" 'PAST ONE MACHINE' | grep -q "^OPTIONS=--listen [0-9.]*:$port "
}

@test "every page that is referred to exists" {
  cd "$SOURCE"
  {
    cat README.md CONTRIBUTING.md conf/larshm.conf conf/*.service.in reader/include/larshm/larshm.h
    pages 1 3 5 7 8 | xargs cat
  } | grep -ohE '\blarshm[a-z_.-]*\*?\([0-9]\)' | tr -d '*' | sort -u | while read -r reference; do
    section=${reference//[^0-9]/}
    [ -e "$BUILD/man/${reference%(*}.$section" ] || {
      echo "no such page: $reference"
      return 1
    }
  done
}

@test "every message that larshm-operations(7) quotes is one that a program or the library prints" {
  cd "$BATS_TEST_TMPDIR"
  page=$SOURCE/reader/man/larshm-operations.7.scd
  # Literals that stand behind each other are one.
  find "$SOURCE"/{conf,fetcher,reader,shm,tools} -name '*.[ch]' -exec cat {} + | tr '\n' ' ' | sed 's/" *"//g' >printed
  sed '1,/^# TROUBLESHOOTING$/d' "$page" | tr -s '\n ' ' ' | sed 's/\\//g' | grep -oE '"[^"]+"' | tr -d '"' | sort -u >quoted
  [ "$(wc -l <quoted)" -gt 20 ]
  while read -r message; do
    grep -qF -e "$message" printed || {
      echo "no program prints \"$message\""
      return 1
    }
  done <quoted
}

@test "every command and key that larshm-operations(7) names exists" {
  page=$SOURCE/reader/man/larshm-operations.7.scd
  commands larshm >"$BATS_TEST_TMPDIR/known"
  grep -oE '\*larshm [a-z][a-z-]*' "$page" | sort -u | while read -r command; do
    grep -qE "^${command#*larshm }( |$)" "$BATS_TEST_TMPDIR/known" || {
      echo "no such command: $command"
      return 1
    }
  done
  sed 's,\\,,g' "$page" | grep -oE '(^|[ (])_[a-z]+(_[a-z]+)+_' | sed -E 's/^[^_]*_(.*)_$/\1/' | sort -u | while read -r key; do
    grep -qE "^#?$key =" "$SOURCE/conf/larshm.conf" || {
      echo "no such key: $key"
      return 1
    }
  done
}
