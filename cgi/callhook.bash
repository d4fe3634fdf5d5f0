# Completion of callhook for bash.

_callhook() {
    local word=${COMP_WORDS[COMP_CWORD]}

    if [[ ${COMP_WORDS[COMP_CWORD-1]} == --drain ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
    else
        COMPREPLY=($(compgen -W '--drain --check --version --help' -- "$word"))
    fi
}

complete -F _callhook callhook
