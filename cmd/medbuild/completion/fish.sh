# medbuild completion for fish

function __medbuild_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l found ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    if test "$found[1]" = :files
        set -l option (string match -r '^--[^=]*=' -- $typed)
        printf "$option%s\n" (__fish_complete_path (string replace -r '^--[^=]*=' '' -- $typed))
        return
    end
    printf '%s\n' $found
end

complete -c medbuild -f -a '(__medbuild_complete)'
