# Completion of callhook-renewer for bash: commands and options as its own
# usage names them, and the tenants of the settings, where they may be read.

_callhook_renewer() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local file=/etc/callhook/renewer.conf command= i
    local usage words=

    usage=$("${COMP_WORDS[0]}" --help 2>/dev/null |
        sed -n 's/^ *callhook-renewer //p')
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c) file=${COMP_WORDS[++i]} ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    if [[ $before == -c && -z $command ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
        return
    fi
    if [[ -z $command ]]; then
        words="-c -n -v --help --version
            $(sed 's/ .*//' <<<"$usage")"
    else
        usage=$(sed -n "s/^$command //p" <<<"$usage")
        words=$(grep -o -e '--[a-z]*' <<<"$usage")
        case $usage in
        *KIND*)
            ((COMP_CWORD == i + 1)) && words='building person rate queue'
            ((COMP_CWORD == i + 3)) && COMPREPLY=($(compgen -f -- "$word")) &&
                return
            ;;
        esac
        case $usage in
        *TENANT*)
            words+=" $(sed -n \
                's/^[^;#]*\[ *tenant  *\([A-Za-z0-9._-]*\) *\].*/\1/p' \
                "$file" 2>/dev/null)"
            ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -F _callhook_renewer callhook-renewer
