package osparc

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar is the value of a word. The platform's tool reads YAML 1.1, where yes
// and off are booleans, 010 is eight and 1e3 is a string; the parser here knows
// 1.2, so words are told apart by the forms of 1.1.
func (r *reader) scalar(n *yaml.Node, v value) any {
	switch {
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		r.add(v.at, fmt.Sprintf("%s has the tag %s", v.name, n.Tag), "write the value itself; other files are not included")
		return nil
	case n.Style != 0:
		return n.Value // in quotes, or a block of lines
	}
	return r.word(n.Value, v)
}

// The forms of words in YAML 1.1.
var (
	nulls    = regexp.MustCompile(`^(~|null|Null|NULL|)$`)
	booleans = regexp.MustCompile(`^(?:(yes|Yes|YES|true|True|TRUE|on|On|ON)|no|No|NO|false|False|FALSE|off|Off|OFF)$`)
	integers = regexp.MustCompile(`^[-+]?(0b[01_]+|0[0-7_]*|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	floats   = regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?$`)
	nonsense = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	times    = regexp.MustCompile(`^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$`)
)

func (r *reader) word(s string, v value) any {
	switch {
	case nulls.MatchString(s):
		return nil
	case booleans.MatchString(s):
		return booleans.FindStringSubmatch(s)[1] != ""
	case integers.MatchString(s):
		return r.integer(s, v)
	case floats.MatchString(s):
		return r.float(s, v)
	case nonsense.MatchString(s):
		r.add(v.at, fmt.Sprintf("%s is %s, which JSON cannot represent", v.name, s))
	case s == "<<" || s == "=":
		r.add(v.at, fmt.Sprintf("%s is not supported", s), "write the keys out, or the word in quotes")
	case times.MatchString(s):
		return unclear(s)
	default:
		return s
	}
	return nil
}

func (r *reader) integer(s string, v value) any {
	digits := strings.ReplaceAll(s, "_", "")
	if n, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(digits, "+"), 0, 64); err == nil {
		return n
	}
	r.add(v.at, fmt.Sprintf("%s is %s, which does not fit into 64 bits", v.name, s))
	return nil
}

func (r *reader) float(s string, v value) any {
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil {
		r.add(v.at, fmt.Sprintf("%s is %s, which does not fit into a 64-bit float", v.name, s))
		return nil
	}
	return f
}

// kind is what a value is called in messages.
func (v value) kind() string {
	switch d := v.data.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("the boolean %v", d)
	case int64, uint64, float64:
		return "the number " + encode(d)
	case string, path:
		return fmt.Sprintf("%q", shorten(fmt.Sprint(d)))
	case unclear:
		return "the date or time " + string(d)
	case []value:
		return "a list"
	}
	return "a mapping"
}

// rewrite is how a word is kept from being more than that.
func (v value) rewrite(must string) []string {
	switch v.data.(type) {
	case bool, int64, uint64, float64, unclear:
		if strings.Contains(must, "string") {
			return []string{"write it in quotes"}
		}
	}
	return nil
}
