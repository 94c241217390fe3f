// Package fields reads the values of options that hold several.
package fields

import (
	"encoding/csv"
	"fmt"
	"strings"
)

// maxLength is the longest value of an option, in bytes.
const maxLength = 64 << 10

// Parse reads "key=value,key=value". A lone word is the value of first.
func Parse(flag, s, first string) (map[string]string, error) {
	switch {
	case len(s) > maxLength:
		return nil, fmt.Errorf("%s is longer than %d KiB", flag, maxLength>>10)
	case strings.ContainsAny(s, "\r\n\x00"): // a second line would be dropped
		return nil, fmt.Errorf("%s %q has more than one line", flag, s)
	}
	parts, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", flag, s, err)
	}
	if len(parts) == 1 && !strings.Contains(parts[0], "=") && first != "" {
		return map[string]string{first: parts[0]}, nil
	}
	out := map[string]string{}
	for _, p := range parts {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("%s: %q is not key=value", flag, p)
		}
		out[strings.ToLower(k)] = v
	}
	return out, nil
}
