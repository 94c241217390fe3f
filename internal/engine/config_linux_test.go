package engine

import (
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestConfigOfInsecureRegistries: the file stays one that the daemon reads, and
// names no registry unless the site does.
func TestConfigOfInsecureRegistries(t *testing.T) {
	t.Parallel()
	d := &daemon{root: t.TempDir(), socket: "/run/x.sock"}
	text, err := d.configText()
	if err != nil || strings.Contains(text, "registry") {
		t.Fatalf("%s (%v)", text, err)
	}
	d.insecure = []string{"[fd00::1]:5000", "registry.example:5000"}
	if text, err = d.configText(); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Registry map[string]struct {
			HTTP     bool `toml:"http"`
			Insecure bool `toml:"insecure"`
		} `toml:"registry"`
	}
	if _, err := toml.Decode(text, &config); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, host := range d.insecure {
		if r := config.Registry[host]; !r.HTTP || !r.Insecure {
			t.Errorf("%s is %+v", host, r)
		}
	}
	if len(config.Registry) != 2 {
		t.Errorf("registries are %v", config.Registry)
	}
}
