package main

import _ "embed"

// completeName is the hidden command that the scripts call.
const completeName = "__complete"

//go:embed completion/bash.sh
var bashScript string

//go:embed completion/zsh.sh
var zshScript string

//go:embed completion/fish.sh
var fishScript string

// completionScript is the script for a shell, "" for one that has none.
func completionScript(shell string) string {
	switch shell {
	case "bash":
		return bashScript
	case "zsh":
		return zshScript
	case "fish":
		return fishScript
	}
	return ""
}
