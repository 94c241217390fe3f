// Package config reads components.toml into the settings types of the stages.
//
// It knows no tool and no key: what a component can state comes from the
// fields of its settings type, and the list of stages is stages.All. Reading
// is strict and complete: every problem of the file is reported in one go,
// each with its line and column.
package config

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// File is a components.toml that has no problems. Bases, components and
// targets are in the order of the user's file.
type File struct {
	Path       string // as given to Load
	Image      Image
	Bases      []stage.BaseSettings
	Components []stage.Tool
	Targets    []Target
	Notes      []string // what overrides changed beside what they state, each with its place

	components map[string]stage.Tool // by name
	bases      map[string]stage.BaseSettings

	problems problems // of its parts
	unsound  map[Part]bool
}

// index makes the tables that names are looked up in.
func (f *File) index() {
	f.components, f.bases = make(map[string]stage.Tool, len(f.Components)), make(map[string]stage.BaseSettings, len(f.Bases))
	for _, c := range f.Components {
		f.components[c.Shared().Name] = c
	}
	for _, b := range f.Bases {
		f.bases[b.Name] = b
	}
}

// Image is what all images of the file have in common.
type Image struct {
	At      problem.Position  `toml:"-"`
	Name    string            `toml:"name" doc:"the image's name, a reference without a tag"`
	Version string            `toml:"version" doc:"the version of the image: SERVICE_VERSION in its version manifest"`
	Labels  map[string]string `toml:"labels" empty:"values" doc:"labels of every image"`
}

// Target is an image that can be built: a base and components.
type Target struct {
	Name        string            `toml:"-"`
	At          problem.Position  `toml:"-"`
	Base        string            `toml:"base" doc:"the base of the image"`
	Components  []string          `toml:"components" doc:"the components of the image, in the order of their layers"`
	ImageName   string            `toml:"name" doc:"the image's name, instead of the one in the image table"`
	Labels      map[string]string `toml:"labels" empty:"values" doc:"labels of this image, in addition to those of the image table"`
	Env         map[string]string `toml:"env" empty:"values" doc:"environment variables, which take precedence over those of the base and of the components"`
	Path        []string          `toml:"path" doc:"folders in front of all others in PATH"`
	Entrypoint  []string          `toml:"entrypoint" empty:"arguments" doc:"the entrypoint; the base's when left out"`
	Cmd         []string          `toml:"cmd" empty:"arguments" doc:"the command; the base's when left out"`
	WorkingDir  string            `toml:"workdir" doc:"the working folder; the base's when left out"`
	User        string            `toml:"user" doc:"the user; the base's when left out"`
	Ports       []string          `toml:"ports" form:"port" doc:"ports that a container listens on, such as \"8888/tcp\", in addition to the base's"`
	Health      *HealthCheck      `toml:"healthcheck" doc:"how a container reports that it is healthy; the base's when left out"`
	Osparc      osparc.Service    `toml:"osparc" doc:"the folder with metadata.yml of the oSPARC service that the image is, relative to the folder of this file"`
	Placeholder bool              `toml:"osparc_placeholder" doc:"build the image although the service's owner has not filled in its authors and contact: it is not to be published"`

	Accounts       map[string]stage.Account `toml:"accounts" doc:"users to add to those of the base, by name"`
	RemoveAccounts []string                 `toml:"remove_accounts" form:"account" doc:"users of the base to remove, with their home folders"`
}

// HealthCheck is a command that fails when a container is unhealthy.
type HealthCheck struct {
	Command     []string `toml:"command" empty:"arguments" doc:"program and arguments; [\"none\"] turns off the base's check"`
	Interval    string   `toml:"interval" form:"duration" doc:"time between two checks, such as \"30s\""`
	Timeout     string   `toml:"timeout" form:"duration" doc:"time after which a check counts as failed"`
	StartPeriod string   `toml:"start_period" form:"duration" doc:"time after the start in which failures do not count"`
	Retries     int      `toml:"retries" doc:"consecutive failures after which a container is unhealthy"`
}

// Check reports what is wrong with the settings.
func (h *HealthCheck) Check() error {
	if len(h.Command) == 0 {
		return problem.Refusedf("the health check has no command").Hint("add command = [\"…\"]")
	}
	return nil
}

// Image is the health check as an image configuration has it.
func (h *HealthCheck) Image() *llb.HealthCheck {
	switch {
	case h == nil:
		return nil
	case h.Command[0] == "none":
		return &llb.HealthCheck{Test: []string{"NONE"}}
	}
	return &llb.HealthCheck{Test: append([]string{"CMD"}, h.Command...), Interval: duration(h.Interval),
		Timeout: duration(h.Timeout), StartPeriod: duration(h.StartPeriod), Retries: h.Retries}
}

// duration is 0, which stands for the runtime's default, when nothing is said.
// The form has been looked at.
func duration(s string) time.Duration {
	d, _ := time.ParseDuration(s)
	return d
}

// Users is how the target changes the users of its base.
func (t Target) Users() stage.Accounts {
	return stage.Accounts{Add: slices.Collect(maps.Values(t.Accounts)), Remove: t.RemoveAccounts}
}

// document is the whole file, as the decoder and the schema see it.
type document struct {
	Image      Image                         `toml:"image" doc:"what all images of this file have in common"`
	Bases      map[string]stage.BaseSettings `toml:"bases" doc:"root file systems that images are built on"`
	Components map[string]stage.Tool         `toml:"components" doc:"what images are assembled from"`
	Targets    map[string]Target             `toml:"targets" doc:"the images that can be built"`
}

// Dir is the folder of the file: relative paths in it start there.
func (f *File) Dir() string { return filepath.Dir(f.Path) }

// Base is the base of that name.
func (f *File) Base(name string) (stage.BaseSettings, bool) {
	b, ok := f.bases[name]
	return b, ok
}

// Component is the settings of the component of that name.
func (f *File) Component(name string) (stage.Tool, bool) {
	c, ok := f.components[name]
	return c, ok
}

// Target is the target of that name.
func (f *File) Target(name string) (Target, bool) {
	for _, t := range f.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}
