package osparc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/medbuild/medbuild/internal/problem"
)

// TestBad breaks the smallest service, each time in one place.
func TestBad(t *testing.T) {
	t.Parallel()
	good := string(file(t, "testdata/least", MetadataFile).Text)
	for _, tt := range []struct{ name, old, put, want string }{
		{"no name", "name: least\n", "", `1:1: the file has no key "name"`},
		{"no key", "key: simcore/services/comp/least\n", "", `1:1: the file has no key "key"`},
		{"no version", "version: 0.1.0\n", "", `1:1: the file has no key "version"`},
		{"no type", "type: computational\n", "", `1:1: the file has no key "type"`},
		{"no integration version", "integration-version: 1.0.0\n", "", `1:1: the file has no key "integration-version"`},
		{"no authors", "authors: [{name: a, email: a@example.org}]\n", "", `1:1: the file has no key "authors"`},
		{"no inputs", "inputs: {}\n", "", `1:1: the file has no key "inputs"`},
		{"nothing in it", good, "# a comment\n", "1:1: the file is empty"},
		{"empty", good, "", "1:1: the file is empty"},
		{"a list", good, "- key: a\n", `1:1: the file must be a mapping of keys to values, not a list`},
		{"a word", good, "key\n", `1:1: the file must be a mapping of keys to values, not "key"`},
		{"two documents", good, good + "---\n" + good, "11:1: there is a second document\nhint: a file holds one document: remove the line ---"},
		{"tab", "name: least", "name:\n\t- least", "3:1: not YAML: found character that cannot start any token"},
		{"colon", "name: least", "name: least: 1", "2:1: not YAML: mapping values are not allowed in this context"},
		{"quote", "name: least", `name: "least`, "6:1: not YAML: found unexpected end of stream"},
		{"indent", "name: least\n", "name: least\n   more: 1\n", "3:1: not YAML: mapping values are not allowed in this context"},
		{"bracket", "authors: [{name: a, email: a@example.org}]", "authors: [{name: a, email: a@example.org}", "8:1: not YAML: did not find expected ',' or ']'"},
		{"control character", "name: least", "name: le\x01ast", "2:1: not YAML: control characters are not allowed"},
		{"not UTF-8", "name: least", "name: le\xffast", "2:9: the byte 0xff is not UTF-8; in Latin-1 it is 'ÿ'\nhint: save the file as UTF-8"},
		{"no anchor", "name: least", "name: *least", "2:1: not YAML: unknown anchor 'least' referenced"},
		{"include", "name: least", "name: !include name.yml", "2:7: name has the tag !include\nhint: write the value itself; other files are not included"},
		{"merge", "name: least", "<<: {name: least}", "2:1: << is not supported"},
		{"twice", "name: least", "name: least\nname: most", `3:1: the key "name" is given twice`},
		{"number as key", "inputs: {}", "inputs: {1: {}}", "9:10: a key must be a string, not the number 1\nhint: write it in quotes"},
		{"unknown key", "name: least", "name: least\nextra: x", `3:1: unknown key "extra" in the file`},
		{"number as version", "version: 0.1.0", "version: 1.5", "3:10: version must be a string, not the number 1.5\nhint: write it in quotes"},
		{"date as version", "version: 0.1.0", "version: 2026-01-01", "3:10: version must be a string, not the date or time 2026-01-01\nhint: write it in quotes"},
		{"short version", "version: 0.1.0", "version: '1.5'", `3:10: version must be a string of the form 1.2.3, not "1.5"`},
		{"boolean name", "name: least", "name: on", "2:7: name must be a string, not the boolean true\nhint: write it in quotes"},
		{"null name", "name: least", "name:", "2:6: name must be a string, not null"},
		{"infinity", "inputs: {}", "inputs: {a: {label: a, description: a, type: number, defaultValue: .inf}}", "9:68: defaultValue is .inf, which JSON cannot represent"},
		{"not a number", "inputs: {}", "inputs: {a: {label: a, description: a, type: number, defaultValue: .nan}}", "9:68: defaultValue is .nan, which JSON cannot represent"},
		{"large", "inputs: {}", "inputs: {a: {label: a, description: a, type: number, defaultValue: 99999999999999999999}}", "9:68: defaultValue is 99999999999999999999, which does not fit into 64 bits"},
		{"minutes", "inputs: {}", "inputs: {a: {label: a, description: a, type: ref_contentSchema, contentSchema: {x: 12:30}}}", "9:84: x is 12:30, which YAML reads as a date or a time\nhint: write it in quotes"},
		{"port type", "inputs: {}", "inputs: {a: {label: a, description: a, type: file}}", `9:46: type must be number, integer, boolean, string, ref_contentSchema or data:type/subtype, not "file"`},
		{"port name", "outputs: {}", "outputs: {a b: {label: a, description: a, type: number}}", `10:11: "a b" cannot be a key of outputs`},
		{"port without label", "outputs: {}", "outputs: {a: {description: a, type: number}}", `10:14: a has no key "label"`},
		{"null inputs", "inputs: {}", "inputs:", "9:8: inputs must be a mapping, not null"},
		{"type", "type: computational", "type: comp", `5:7: type must be computational, dynamic, frontend or backend, not "comp"`},
		{"type of the key", "type: computational", "type: dynamic", "1:1: key \"simcore/services/comp/least\" is not that of a dynamic service\nhint: its key starts with simcore/services/dynamic/"},
		{"key", "key: simcore/services/comp/least", "key: least", `1:6: key must be of the form simcore/services/dynamic/name or simcore/services/comp/name, not "least"`},
		{"no author", "authors: [{name: a, email: a@example.org}]", "authors: []", "8:10: authors must not be empty"},
		{"author without email", "authors: [{name: a, email: a@example.org}]", "authors: [{name: a}]", `8:11: an entry of authors has no key "email"`},
		{"email", "contact: a@example.org", "contact: a", `7:10: contact must be an email address, not "a"`},
		{"contact", "contact: a@example.org", "contact: b@example.org", "7:1: contact b@example.org is not the email address of an author\nhint: the platform grants access by it"},
		{"dollar", "name: least", "name: costs $HOME", "2:1: name: docker compose reads the dollar sign in \"$HOME\\\"}\" as a variable\nhint: write $$ for a dollar sign"},
		{"boot options", "inputs: {}", "inputs: {}\nboot-options: {A: {label: a, description: a, default: b, items: {}}}", `10:46: the default "b" is not one of the items`},
		{"widget", "inputs: {}", "inputs: {a: {label: a, description: a, type: number, widget: {type: Slider, details: {}}}}", `9:69: type must be TextArea or SelectBox, not "Slider"`},
		{"deep", "inputs: {}", "inputs: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "9:59: nested more than 50 levels deep"},
		{"heavy bomb", "name: least", "a: &a " + strings.Repeat("x", 200_000) + "\nb: [" + strings.Repeat("*a,", 10_000) + "]", "1:1: the file expands to more than 20000 values or 4 MiB"},
		{"large", "name: least", "name: least\n" + strings.Repeat("#\n", 1<<18), "1:1: the file is larger than 256 KiB"},
		{"UTF-16", good, "\xff\xfek\x00", "1:1: is encoded in UTF-16 (little-endian), not in UTF-8\nhint: save the file as UTF-8"},
		{"bomb", "name: least", bomb(), "1:1: the file expands to more than 20000 values or 4 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, tt.old, tt.put, 1)
			if text == good {
				t.Fatal("nothing is broken")
			}
			_, problems := Parse(File{"metadata.yml", []byte(text)}, File{}, File{})
			wantFirst(t, problems, "metadata.yml:"+tt.want)
		})
	}
}

// bomb is a few lines that stand for a billion values.
func bomb() string {
	out := "inputs: {}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		out += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return out
}

func TestBadRuntime(t *testing.T) {
	t.Parallel()
	least := file(t, "testdata/least", MetadataFile)
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "restart_policy: no-restart\n", `1:1: unknown key "restart_policy" in the file`},
		{"policy", "restart-policy: never\n", `1:17: restart-policy must be no-restart or on-inputs-downloaded, not "never"`},
		{"policy off", "restart-policy: no\n", "1:17: restart-policy must be a string, not the boolean false\nhint: write it in quotes"},
		{"settings", "settings: {name: a}\n", "1:11: settings must be a list, not a mapping"},
		{"setting type", "settings:\n- {name: a, type: bool, value: 1}\n", "2:19: type must be string, int, integer, number, object, ContainerSpec or Resources, not \"bool\""},
		{"setting without value", "settings:\n- {name: a, type: int}\n", `2:3: an entry of settings has no key "value"`},
		{"constraint", "settings:\n- {name: constraints, type: string, value: [1]}\n", "2:45: an entry of value must be a string, not the number 1"},
		{"no outputs", "paths-mapping: {inputs_path: /i}\n", `1:16: paths-mapping has no key "outputs_path"`},
		{"relative", "paths-mapping: {inputs_path: i, outputs_path: /o}\n", `1:30: inputs_path must be an absolute path, not "i"`},
		{"timeout", "callbacks-mapping:\n  inactivity: {service: container, command: ls, timeout: 10}\n", "2:58: timeout must be between 1 and 5, not the number 10.0"},
		{"preferences", "user-preferences-path: 1\n", "1:24: user-preferences-path must be a string, not the number 1\nhint: write it in quotes"},
		{"empty", "\n", "1:1: the file is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Parse(least, File{"runtime.yml", []byte(tt.text)}, File{})
			wantFirst(t, problems, "runtime.yml:"+tt.want)
		})
	}
}

func TestBadOCI(t *testing.T) {
	t.Parallel()
	least := file(t, "testdata/least", MetadataFile)
	for text, want := range map[string]string{
		"- title\n":             "1:1: the file must be a mapping of keys to values, not a list",
		"created: 2026-08-31\n": "1:10: created is 2026-08-31, which YAML reads as a date or a time\nhint: write it in quotes",
		"title: costs $5\n":     "1:1: title: docker compose reads the dollar sign in \"$5\" as a variable\nhint: write $$ for a dollar sign",
	} {
		_, problems := Parse(least, File{}, File{OCIFile, []byte(text)})
		wantFirst(t, problems, OCIFile+":"+want)
	}
}

// wantFirst wants the first problem's text to start so; more may follow it.
func wantFirst(t *testing.T, problems []*problem.Error, want string) {
	t.Helper()
	if len(problems) == 0 {
		t.Fatal("no problem is found")
	}
	p := problems[0]
	if got := problem.Text(p); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
