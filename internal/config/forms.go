package config

import "regexp"

// The rules that a field takes by its form tag, instead of the one that goes by
// its type. What has spaces, quotes or a dollar sign in it is quoted by the stage,
// or is the shell's own.
var (
	shellRule = rule{regexp.MustCompile(`^[^\x00-\x08\x0b-\x1f\x7f]*$`), "must be free of control characters other than tabs and line breaks"}
	textRule  = rule{regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`), "must be free of control characters"}
	globRule  = rule{regexp.MustCompile(`^[^\x00-\x1f\x7f!-][^\x00-\x1f\x7f]*$`),
		"must be a pattern that does not start with ! or - and contains no control characters"}
	// No part of a path is . or ..
	pathRule = rule{regexp.MustCompile(`^/?(\.?[A-Za-z0-9_+@=~-][A-Za-z0-9_.+@=~-]*/)*(\.?[A-Za-z0-9_+@=~-][A-Za-z0-9_.+@=~-]*/?)$`),
		"must be a path of letters, digits and _ . + @ = ~ -, with no element that is . or .."}
	releaseRule = rule{regexp.MustCompile(`^(any|[a-z]+-[0-9]+(\.[0-9]+)*)$`),
		"must be a release, such as debian-13 or \"ubuntu-24.04\", or any"}
	spdxRule = rule{regexp.MustCompile(`^[A-Za-z0-9(][A-Za-z0-9.+() -]*$`), "must be letters, digits, spaces and . + - ( )"}
	modeRule = rule{regexp.MustCompile(`^0?[0-7]{3}$`), "must be three octal digits, such as 0755"}
	portRule = rule{regexp.MustCompile(`^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/(tcp|udp|sctp))?$`), "must be a port, such as 8888/tcp"}
	// A host with its port, the name, a tag and a digest.
	referenceRule = rule{regexp.MustCompile(`^((\[[0-9A-Fa-f:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]+)?/)?[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*` +
		`(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`),
		"must be an image reference, such as name:tag@sha256:<64 hexadecimal digits>, with the name in lower case"}
	// The kernel's tools take such names everywhere.
	accountRule  = rule{regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`), "must be a user name: lower-case letters, digits, _ and -, not starting with a digit"}
	durationRule = rule{regexp.MustCompile(`^[0-9]+(ms|s|m|h)$`), "must be a number and a unit, such as 30s"}
	sizeRule     = rule{regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,9})? ?([kKMGT]i?)?B?$`), "must be a number and a unit, such as 12 GB"}
	ownerRule    = rule{regexp.MustCompile(`^[0-9]{1,9}:[0-9]{1,9}$`), "must be a numeric user and group, such as 1000:100"}
)

// formRule is the rule that a form tag names.
func formRule(form string) (rule, bool) {
	switch form {
	case "shell":
		return shellRule, true
	case "text":
		return textRule, true
	case "glob":
		return globRule, true
	case "path":
		return pathRule, true
	case "package":
		return entryRule, true
	case "release":
		return releaseRule, true
	case "variable":
		return envRule, true
	case "spdx":
		return spdxRule, true
	case "mode":
		return modeRule, true
	case "owner":
		return ownerRule, true
	case "image":
		return referenceRule, true
	case "port":
		return portRule, true
	case "account":
		return accountRule, true
	case "size":
		return sizeRule, true
	case "duration":
		return durationRule, true
	}
	return rule{}, false
}
