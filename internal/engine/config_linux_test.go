package engine

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestConfigOfRegistries: the file stays one that the daemon reads, and
// names no registry unless the site does.
func TestConfigOfRegistries(t *testing.T) {
	t.Parallel()
	d := &daemon{root: t.TempDir(), socket: "/run/x.sock"}
	text, err := d.configText()
	if err != nil || strings.Contains(text, "registry") {
		t.Fatalf("%s (%v)", text, err)
	}
	d.registries = []Registry{{Host: "[fd00::1]:5000", Insecure: true}, {Host: "localhost:5000", CA: "/a b/ca.pem"}}
	if text, err = d.configText(); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Registry map[string]struct {
			HTTP     bool     `toml:"http"`
			Insecure bool     `toml:"insecure"`
			CA       []string `toml:"ca"`
		} `toml:"registry"`
	}
	if _, err := toml.Decode(text, &config); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, want := range d.registries {
		r := config.Registry[want.Host]
		if r.HTTP != want.Insecure || r.Insecure != want.Insecure || strings.Join(r.CA, " ") != want.CA {
			t.Errorf("%s is %+v", want.Host, r)
		}
	}
	if len(config.Registry) != 2 {
		t.Errorf("registries are %v", config.Registry)
	}
}
