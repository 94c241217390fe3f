package run

import (
	"slices"
	"testing"

	image "github.com/moby/docker-image-spec/specs-go/v1"
)

func imageConfig(entrypoint, cmd []string) image.DockerOCIImageConfig {
	var img image.DockerOCIImageConfig
	img.Entrypoint, img.Cmd = entrypoint, cmd
	img.Env, img.WorkingDir, img.User = []string{"PATH=/opt/bin:/bin", "A=image"}, "/home/x", "1000"
	return img
}

func TestCommandArguments(t *testing.T) {
	t.Parallel()
	none, tool := "", "tool"
	init, bash := []string{"/init", "--"}, []string{"bash"}
	for _, c := range []struct {
		name            string
		entrypoint, cmd []string
		command         Command
		want            []string
	}{
		{"image's own", init, bash, Command{}, []string{"/init", "--", "bash"}},
		{"command replaces cmd", init, bash, Command{Args: []string{"ls", "-l"}}, []string{"/init", "--", "ls", "-l"}},
		{"no entrypoint", init, bash, Command{Entrypoint: &none, Args: []string{"ls"}}, []string{"ls"}},
		{"other entrypoint drops cmd", init, bash, Command{Entrypoint: &tool}, []string{"tool"}},
		{"other entrypoint", nil, bash, Command{Entrypoint: &tool, Args: []string{"x"}}, []string{"tool", "x"}},
	} {
		start, err := c.command.process(imageConfig(c.entrypoint, c.cmd), Stdio{})
		if err != nil || !slices.Equal(start.Args, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.name, start.Args, err, c.want)
		}
	}
	if _, err := (Command{Entrypoint: &none}).process(imageConfig(init, bash), Stdio{}); err == nil {
		t.Error("nothing to run is no error")
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Parallel()
	c := Command{Args: []string{"ls"}, Env: []string{"A=mine", "B=2"}}
	start, err := c.process(imageConfig(nil, nil), Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"PATH=/opt/bin:/bin", "A=mine", "B=2"}; !slices.Equal(start.Env, want) {
		t.Errorf("environment %q, want %q", start.Env, want)
	}
	if start.Cwd != "/home/x" || start.User != "1000" {
		t.Errorf("folder %q and user %q are not the image's", start.Cwd, start.User)
	}
	c.WorkingDir, c.User = "/w", "nobody"
	if start, _ = c.process(imageConfig(nil, nil), Stdio{}); start.Cwd != "/w" || start.User != "nobody" {
		t.Errorf("folder %q and user %q are not those asked for", start.Cwd, start.User)
	}
	if start, _ = c.process(image.DockerOCIImageConfig{}, Stdio{}); start.Cwd != "/w" {
		t.Errorf("folder %q", start.Cwd)
	}
}
