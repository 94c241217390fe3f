package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the linker for releases (-X main.version=…), and by
// nothing else.
var version string

const versionExamples = `medbuild version
   medbuild version --format json | jq -r .buildkit`

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:      "version",
		Usage:     "print the versions of medbuild, BuildKit and Go",
		UsageText: "medbuild version [options]\n\nEXAMPLES:\n   " + versionExamples,
		Description: "Prints the version of medbuild, of its BuildKit client and of the Go\n" +
			"compiler, and the platform it runs on.",
		Flags:  []cli.Flag{formatFlag("version")},
		Action: func(c *cli.Context) error { return runVersion(readOptions(c), c.App.Writer) },
	}
}

// versions is what medbuild version prints. The JSON form is stable.
type versions struct {
	Version  string `json:"version"`  // of medbuild, "devel" when the build does not say
	Commit   string `json:"commit"`   // of its source, "" when the build does not say
	BuildKit string `json:"buildkit"` // of the client module
	Go       string `json:"go"`
	Platform string `json:"platform"` // "os/arch"
}

func runVersion(o options, w io.Writer) error {
	if err := o.checkLine(); err != nil {
		return err
	}
	v := theseVersions()
	if o.format == "text" {
		return v.text(w)
	}
	return writeJSON(w, v)
}

func (v versions) text(w io.Writer) error {
	commit := ""
	if v.Commit != "" {
		commit = " (commit " + v.Commit + ")"
	}
	_, err := fmt.Fprintf(w, "medbuild %s%s\nbuildkit %s\ngo       %s\nplatform %s\n", v.Version, commit, v.BuildKit, v.Go, v.Platform)
	return err
}

func theseVersions() versions {
	v := versions{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.read(info)
	}
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "devel"
	}
	return v
}

func (v *versions) read(info *debug.BuildInfo) {
	if v.Version == "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/moby/buildkit" {
			v.BuildKit = m.Version
		}
	}
}
