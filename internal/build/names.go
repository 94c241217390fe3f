package build

import "strings"

// component is whose step it is: "[mrtrix3] compile" is mrtrix3's.
func component(step string) string {
	name, _, ok := strings.Cut(strings.TrimPrefix(step, "["), "] ")
	if !ok {
		return ""
	}
	return name
}
