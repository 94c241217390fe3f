package osparc

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// encode writes JSON the way the platform's tool does: compact, keys in the
// order given, text as it is and not in escapes, a float with a point.
func encode(data any) string {
	switch d := data.(type) {
	case nil:
		return "null"
	case string:
		return quote(d)
	case path:
		return quote(string(d))
	case float64:
		return float(d)
	case []value:
		return encodeList(d)
	case table:
		return encodeTable(d)
	}
	return fmt.Sprint(data) // a boolean or an integer
}

func encodeList(all []value) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = encode(v.data)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func encodeTable(t table) string {
	parts := make([]string, len(t))
	for i, e := range t {
		parts[i] = quote(e.key) + ":" + encode(e.value.data)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quote(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range s {
		out.WriteString(escape(c))
	}
	out.WriteByte('"')
	return out.String()
}

func escape(c rune) string {
	switch c {
	case '"', '\\':
		return `\` + string(c)
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	}
	if c < ' ' {
		return fmt.Sprintf(`\u%04x`, c)
	}
	return string(c)
}

func float(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-5 || a >= 1e16) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
