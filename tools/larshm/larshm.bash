# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion for larshm and the programs beside it. Commands, options and places of arguments are those that --help of the
# program lists; instances, routes and hosts are those that are there. It waits for none of them longer than two seconds.

# What a program says, within bounds, and no error.
_larshm_ask() {
  timeout 2 "$@" </dev/null 2>/dev/null | head -c 1000000 | tr -d '\0'
}

# From a help text: the first words of its commands.
_larshm_commands() {
  sed -nE '/^Commands:$/,/^$/s/^  ([a-z][a-z-]*).*/\1/p' <<<"$1" | sort -u
}

# From a help text: options, one on each line, as "-j", "--json", "-n=INSTANCE", "--instance=INSTANCE".
_larshm_options() {
  sed -nE 's/^ {2,6}(-.), (--[a-z-]+)(=[^ ]+)?( .*)?$/\1\3\n\2\3/p; s/^ {6}(--[a-z-]+(=[^ ]+)?)( .*)?$/\1/p' <<<"$1"
}

# From a help text: the name of the value that option $2 takes; nothing: it takes none.
_larshm_value() {
  local option
  while IFS= read -r option; do
    [[ $option != "$2="* ]] || {
      echo "${option#"$2="}"
      return
    }
  done < <(_larshm_options "$1")
}

# From a help text: what argument $2, counted from 1, may be: words that are typed as they are, and names, as MODID.
_larshm_argument() {
  sed -n '1p;2,${/^ /!q;p}' <<<"$1" | sed 's/.*\[OPTION\.\.\.\]//' | awk -v place="$2" '{
    gsub(/[][]/, "")
    at = place > NF && $NF ~ /\.\.\.$/ ? NF : place
    if (at > NF || $at ~ /^-/) next
    name = $at
    sub(/\.\.\.$/, "", name)
    gsub(/\|/, "\n", name)
    print name
  }'
}

_larshm_instances() {
  local name
  for name in "${LARSHM_DIRECTORY:-/dev/shm}"/larshm.*; do
    name=${name##*/larshm.}
    [[ $name == *[!A-Za-z0-9_-]* ]] || echo "$name"
  done
}

# _larshm_routes PROGRAM INSTANCE WHAT TYPED [MODID [CMDID]]: of the routes with these ids what the awk expression WHAT says,
# each once, the first 500 that begin with what is typed.
_larshm_routes() {
  timeout 2 "$1" ${2:+-n "$2"} dump </dev/null 2>/dev/null |
    awk -F '\t' -v typed="$4" -v modid="${5:-}" -v cmdid="${6:-}" '
      (modid != "" && modid != $1) || (cmdid != "" && cmdid != $2) { next }
      { word = '"$3"'; if (index(word, typed) == 1 && !seen[word]++) { print word; if (++count == 500) exit } }'
}

# What can stand for the name $1, behind the arguments $5...: program $2, instance $3, and $4 is typed already.
# shellcheck disable=SC2016 # awk expands them
_larshm_values() {
  local name=$1 program=$2 instance=$3 typed=$4
  shift 4
  case $name in
    INSTANCE) _larshm_instances ;;
    MODID) _larshm_routes "$program" "$instance" '$1' "$typed" ;;
    CMDID) _larshm_routes "$program" "$instance" '$2' "$typed" "${*: -1}" ;;
    MODID/CMDID) _larshm_routes "$program" "$instance" '$1 "/" $2' "$typed" ;;
    IP:PORT) _larshm_routes "$program" "$instance" '$8' "" "${*: -2:1}" "${*: -1}" | tr ',' '\n' ;;
    PROBE) printf '%s\n' live ready serving ;;
    FINDING*) printf '%s\n' fetcher damage directory limit rotation permission ;;
    SUITE) _larshm_ask "${program%-bench}-bench" --list | cut -d ' ' -f 1 ;;
    *FILE* | PATH | LIBRARY) compgen -f -- "$typed" ;;
    [a-z]*) echo "$name" ;;
  esac
}

_larshm() {
  local line=${COMP_LINE:0:COMP_POINT} words=() command=() arguments=() replies=()
  local word help value="" instance="" names="" stem="" current
  COMPREPLY=()
  read -ra words <<<"$line"
  [ ${#words[@]} -gt 0 ] || return 0
  [[ $line != *[[:space:]] ]] || words+=("")
  command=("${words[0]/#\~\//$HOME/}")
  current=${words[-1]}
  type -P "${command[0]}" >/dev/null || return 0
  help=$(_larshm_ask "${command[@]}" --help)
  for word in "${words[@]:1:${#words[@]}-2}"; do
    if [ -n "$value" ]; then # of the option before it
      [ "$value" != INSTANCE ] || instance=$word
      value=""
    elif [[ $word == --*=* ]]; then
      [[ $word != --instance=* ]] || instance=${word#*=}
    elif [[ $word == -* ]]; then
      value=$(_larshm_value "$help" "$word")
    elif [ ${#arguments[@]} -eq 0 ] && _larshm_commands "$help" | grep -qxF -e "$word"; then
      command+=("$word")
      help=$(_larshm_ask "${command[@]}" --help)
    else
      arguments+=("$word")
    fi
  done

  if [ -n "$value" ]; then
    names=$value
  elif [[ $current == --*=* ]]; then
    stem=${current%%=*}=
    names=$(_larshm_value "$help" "${current%%=*}")
  elif [[ $current == -* ]]; then
    mapfile -t replies < <(_larshm_options "$help" | cut -d = -f 1)
  else
    mapfile -t replies < <(_larshm_commands "$help")
    [ ${#replies[@]} -gt 0 ] || names=$(_larshm_argument "$help" $((${#arguments[@]} + 1)))
  fi
  for word in $names; do
    mapfile -t -O ${#replies[@]} replies < <(
      _larshm_values "$word" "${command[0]}" "$instance" "${current#"$stem"}" "${arguments[@]}")
  done
  [[ $names != *FILE* && $names != PATH && $names != LIBRARY ]] || compopt -o filenames 2>/dev/null

  # Readline splits words at "=" and ":", and replaces what is behind the last of them.
  value=${current%"${current##*[=:]}"}
  while IFS= read -r word; do
    [[ $stem$word == "$current"* ]] && COMPREPLY+=("${stem}${word}")
  done < <(printf '%s\n' "${replies[@]}" | sed '/^$/d' | sort -u)
  COMPREPLY=("${COMPREPLY[@]#"$value"}")
  return 0
}

complete -F _larshm larshm larshm-bench larshm-bridge larshm-dns larshm-fetcher larshm-reporter
