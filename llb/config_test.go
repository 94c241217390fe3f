package llb

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// baseConfig has a value in every field that a Jupyter base uses, and in some
// that few know.
const baseConfig = `{
  "author": "someone", "created": "2020-01-01T00:00:00Z", "architecture": "arm64", "os": "linux", "variant": "v8",
  "config": {
    "User": "jovyan", "WorkingDir": "/home/jovyan", "Entrypoint": ["tini", "--"], "Cmd": ["start.sh"],
    "Env": ["PATH=/opt/conda/bin:/usr/bin", "LANG=C.UTF-8", "HOME=/home/jovyan"],
    "ExposedPorts": {"8888/tcp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT",
    "Labels": {"maintainer": "someone", "version": "1"}, "Shell": ["/bin/bash", "-c"], "OnBuild": ["RUN true"],
    "Healthcheck": {"Test": ["CMD", "curl", "localhost"], "Interval": 5000000000, "Timeout": 3000000000,
      "StartPeriod": 1000000000, "StartInterval": 2000000000, "Retries": 4}
  },
  "rootfs": {"type": "layers", "diff_ids": ["sha256:aa"]}
}`

var someTime = time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)

// extended is the configuration as JSON has it: names of fields, not Go's.
func extended(t *testing.T, c Config, base, platform string) (whole, config map[string]any) {
	t.Helper()
	data, err := c.Extend([]byte(base), platform, someTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	config, _ = whole["config"].(map[string]any)
	return whole, config
}

func TestExtendKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	var base struct{ Config map[string]any }
	if err := json.Unmarshal([]byte(baseConfig), &base); err != nil {
		t.Fatal(err)
	}
	whole, got := extended(t, Config{}, baseConfig, "linux/amd64")
	for key, want := range base.Config {
		if !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s is %v, the base has %v", key, got[key], want)
		}
	}
	if whole["author"] != "someone" {
		t.Errorf("author is %v", whole["author"])
	}
}

func TestExtendSets(t *testing.T) {
	t.Parallel()
	words := func(s string) []any {
		var out []any
		for w := range strings.FieldsSeq(s) {
			out = append(out, w)
		}
		return out
	}
	tests := []struct {
		name   string
		config Config
		key    string
		want   any
	}{
		{"path goes in front", Config{Path: []string{"/opt/a/bin", "/opt/b/bin"}}, "Env",
			words("PATH=/opt/a/bin:/opt/b/bin:/opt/conda/bin:/usr/bin LANG=C.UTF-8 HOME=/home/jovyan")},
		{"variables", Config{Env: []string{"LANG=de", "NEW=1"}}, "Env",
			words("PATH=/opt/conda/bin:/usr/bin LANG=de HOME=/home/jovyan NEW=1")},
		{"own path under folders", Config{Path: []string{"/a"}, Env: []string{"PATH=/b"}}, "Env",
			words("PATH=/a:/b LANG=C.UTF-8 HOME=/home/jovyan")},
		{"labels", Config{Labels: map[string]string{"version": "2", "new": "x"}}, "Labels",
			map[string]any{"maintainer": "someone", "version": "2", "new": "x"}},
		{"user", Config{User: "1000:100"}, "User", "1000:100"},
		{"folder", Config{WorkingDir: "/work"}, "WorkingDir", "/work"},
		{"command", Config{Cmd: []string{"sh"}}, "Cmd", words("sh")},
		{"command keeps entrypoint", Config{Cmd: []string{"sh"}}, "Entrypoint", words("tini --")},
		{"entrypoint", Config{Entrypoint: []string{"run"}}, "Entrypoint", words("run")},
		{"entrypoint drops the base's command", Config{Entrypoint: []string{"run"}}, "Cmd", nil},
		{"no entrypoint", Config{Entrypoint: []string{}, Cmd: []string{"sh"}}, "Entrypoint", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := extended(t, tt.config, baseConfig, "linux/amd64")
			if !reflect.DeepEqual(got[tt.key], tt.want) {
				t.Errorf("%s is %v, want %v", tt.key, got[tt.key], tt.want)
			}
		})
	}
}

func TestExtendPlatform(t *testing.T) {
	t.Parallel()
	tests := []struct {
		platform string
		want     []any
	}{
		{"linux/amd64", []any{"linux", "amd64", nil}},
		{"linux/arm64/v8", []any{"linux", "arm64", "v8"}},
	}
	for _, tt := range tests {
		whole, _ := extended(t, Config{}, baseConfig, tt.platform)
		if got := []any{whole["os"], whole["architecture"], whole["variant"]}; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.platform, got, tt.want)
		}
		if whole["created"] != "2024-05-01T00:00:00Z" {
			t.Errorf("created %v", whole["created"])
		}
	}
}

func TestExtendWithoutBase(t *testing.T) {
	t.Parallel()
	_, got := extended(t, Config{Path: []string{"/opt/a/bin"}}, "", "linux/amd64")
	if want := []any{"PATH=/opt/a/bin:" + DefaultPath}; !reflect.DeepEqual(got["Env"], want) {
		t.Errorf("Env is %v, want %v", got["Env"], want)
	}
	if _, err := (Config{}).Extend([]byte("{"), "linux/amd64", someTime); err == nil || !strings.Contains(err.Error(), "configuration of the base image") {
		t.Errorf("broken configuration: %v", err)
	}
}

func TestSetenv(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		env, pairs []string
		want       []string
	}{
		{"append", []string{"A=1"}, []string{"B=2"}, []string{"A=1", "B=2"}},
		{"replace in place", []string{"A=1", "B=2"}, []string{"A=3"}, []string{"A=3", "B=2"}},
		{"names that begin alike", []string{"AB=1"}, []string{"A=2"}, []string{"AB=1", "A=2"}},
		{"equals sign in the value", []string{"A=1"}, []string{"A=x=y"}, []string{"A=x=y"}},
		{"no equals sign", []string{"A=1"}, []string{"FLAG"}, []string{"A=1", "FLAG"}},
		{"last word counts", nil, []string{"A=1", "A=2"}, []string{"A=2"}},
		{"nothing", []string{"A=1"}, nil, []string{"A=1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.env)
			if got := Setenv(tt.env, tt.pairs...); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if !slices.Equal(tt.env, before) {
				t.Errorf("changed its argument to %q", tt.env)
			}
		})
	}
}

func TestPathOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		env  []string
		want string
	}{
		{nil, DefaultPath},
		{[]string{"PATH="}, DefaultPath},
		{[]string{"MANPATH=/x", "PATH=/a:/b"}, "/a:/b"},
	}
	for _, tt := range tests {
		if got := PathOf(tt.env); got != tt.want {
			t.Errorf("PathOf(%q) is %q, want %q", tt.env, got, tt.want)
		}
	}
}
