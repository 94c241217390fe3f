package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/site"
	"github.com/medbuild/medbuild/internal/solve"

	"github.com/medbuild/medbuild/stages/stage"

	"github.com/distribution/reference"
	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/config"
	"github.com/medbuild/medbuild/internal/engine"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/moby/buildkit/client"
	"github.com/urfave/cli/v2"
)

// request is a build as the command line states it, checked before an engine
// is looked for.
type request struct {
	file      *config.File
	targets   []string
	tags      []string
	outputs   []output.Output
	labels    map[string]string
	secrets   map[string][]byte
	noCache   solve.NoCache
	cacheFrom []client.CacheOptionsEntry
	cacheTo   []client.CacheOptionsEntry
}

// built is one image of a request.
type built struct {
	target  config.Target
	order   build.Order
	outputs []output.Output
	names   []string
	result  build.Result
}

// loadFile reads the file, with the overrides of the command line.
func loadFile(c *cli.Context) (*config.File, error) {
	return config.Load(c.Path("file"), c.StringSlice("set"))
}

func readRequest(c *cli.Context) (*request, error) {
	file, err := loadFile(c)
	if err != nil {
		return nil, err
	}
	r := &request{file: file, tags: c.StringSlice("tag"), noCache: c.Generic("no-cache").(*noCacheValue).NoCache}
	for _, read := range []func(*cli.Context) error{
		checkPlatform, checkJobs, checkEngine, r.checkTags, r.readTargets, r.readOutputs, r.readLabels, r.readCaches, r.readSecrets, r.readNoCache,
	} {
		if err := read(c); err != nil {
			return nil, usageError{err}
		}
	}
	return r, nil
}

// checkPlatform refuses what no stage can build: the tools are compiled, or
// come compiled, for 64-bit x86.
func checkPlatform(c *cli.Context) error {
	if p := c.String("platform"); p != onlyPlatform {
		return fmt.Errorf("--platform %s: the stages build for %s alone", p, onlyPlatform)
	}
	return nil
}

func checkJobs(c *cli.Context) error {
	if n := c.Int("jobs"); n < 0 {
		return fmt.Errorf("--jobs %d: the number of jobs is 1 or more", n)
	}
	return nil
}

// checkEngine refuses what names no engine, before one is looked for.
func checkEngine(c *cli.Context) error {
	if err := engine.CheckAddress(c.String("engine")); err != nil {
		return usageError{err}
	}
	return nil
}

// checkTags refuses what is no name of an image, before hours go by.
func (r *request) checkTags(*cli.Context) error {
	for _, tag := range r.tags {
		named, err := reference.ParseNormalizedNamed(tag)
		if err != nil {
			return fmt.Errorf("--tag %q: %w\nhint: write it as in --tag registry.example.org/name:1.0", tag, err)
		}
		if _, ok := named.(reference.Digested); ok {
			return fmt.Errorf("--tag %q has a digest, which the build gives\nhint: leave out what begins with @", tag)
		}
	}
	return nil
}

// readTargets takes the file's only target when none is named.
func (r *request) readTargets(c *cli.Context) error {
	r.targets = c.StringSlice("target")
	if len(r.targets) == 0 && len(r.file.Targets) == 1 {
		r.targets = []string{r.file.Targets[0].Name}
	}
	if len(r.targets) == 0 {
		return fmt.Errorf("no target named\nhint: --target takes one of %s", strings.Join(targetNames(r.file), ", "))
	}
	for _, t := range r.targets {
		if _, err := target(r.file, t); err != nil {
			return err
		}
	}
	if len(r.targets) > 1 && len(r.tags) > 0 {
		return errors.New("--tag names one image, but several targets are built\nhint: give each target a name in the file")
	}
	return nil
}

func (r *request) readOutputs(c *cli.Context) error {
	for _, s := range c.StringSlice("output") {
		o, err := output.ParseOutput(s)
		if err != nil {
			return err
		}
		r.outputs = append(r.outputs, o)
	}
	if err := r.checkPush(c.Bool("push")); err != nil {
		return err
	}
	r.push(c.Bool("push"))
	if err := r.checkNames(); err != nil {
		return err
	}
	for _, o := range r.outputs {
		if o.Dest != "" && len(r.targets) > 1 && !strings.Contains(o.Dest, "{target}") {
			return fmt.Errorf("several targets have one output %s\nhint: write {target} in dest: each target's name takes its place", o.Dest)
		}
	}
	return nil
}

// checkPush wants the registry in the name: a name without one is Docker Hub's,
// where the file's names belong to others.
func (r *request) checkPush(push bool) error {
	for _, t := range r.targets {
		settings, err := target(r.file, t)
		if err != nil {
			return err
		}
		for _, name := range r.names(t, settings.ImageName) {
			host, _, named := strings.Cut(name, "/")
			if push && (!named || host != "localhost" && !strings.ContainsAny(host, ".:")) {
				return fmt.Errorf("--push: %s names no registry\nhint: name one, as in --tag registry.example.org/%s", name, name)
			}
		}
	}
	return nil
}

// checkNames refuses targets of one name where the images go by their names:
// the last would take the others' place.
func (r *request) checkNames() error {
	leaves := func(o output.Output) bool {
		return o.Attrs["push"] == "true" || o.Type == client.ExporterDocker && o.Dest == ""
	}
	if len(r.targets) < 2 || !slices.ContainsFunc(r.outputs, leaves) {
		return nil
	}
	of := map[string]string{}
	for _, t := range r.targets {
		settings, err := target(r.file, t)
		if err != nil {
			return err
		}
		for _, name := range r.names(t, settings.ImageName) {
			if other, ok := of[name]; ok {
				return fmt.Errorf("the images of %s and %s have one name, %s\nhint: give each target a name in the file, or build them one after the other", other, t, name)
			}
			of[name] = t
		}
	}
	return nil
}

// push adds a registry to the outputs. Without any output the image stays in
// the engine.
func (r *request) push(push bool) {
	stays := output.Output{Type: client.ExporterImage, Attrs: map[string]string{}}
	switch {
	case push:
		stays.Attrs["push"] = "true"
		r.outputs = append(r.outputs, stays)
	case len(r.outputs) == 0:
		r.outputs = []output.Output{stays}
	}
}

func (r *request) readLabels(c *cli.Context) error {
	labels, err := pairs("--label", c.StringSlice("label"))
	if err != nil {
		return err
	}
	r.labels = labels
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if err := osparc.CheckLabel(k, labels[k]); err != nil {
			return fmt.Errorf("--label: %w", err)
		}
	}
	annotations, err := pairs("--annotation", c.StringSlice("annotation"))
	for _, o := range r.outputs {
		for k, v := range annotations {
			o.Attrs["annotation."+k] = v
		}
	}
	return err
}

func (r *request) readCaches(c *cli.Context) error {
	var err error
	if r.cacheFrom, err = build.ParseCaches("--cache-from", c.StringSlice("cache-from"), os.Getenv); err != nil {
		return err
	}
	if r.cacheTo, err = build.ParseCaches("--cache-to", c.StringSlice("cache-to"), os.Getenv); err != nil {
		return err
	}
	if len(r.cacheTo) > 0 && len(r.targets) > 1 {
		return errors.New("--cache-to takes the cache of one target, but several are built\nhint: build them one after the other")
	}
	if c.IsSet("iidfile") && len(r.targets) > 1 {
		return errors.New("--iidfile takes the digest of one image, but several targets are built\nhint: --metadata-file has all of them")
	}
	return nil
}

// readSecrets reads the secrets given and misses those that components name.
func (r *request) readSecrets(c *cli.Context) error {
	var err error
	if r.secrets, err = site.ParseSecrets(c.StringSlice("secret"), os.Getenv); err != nil {
		return err
	}
	named := map[string]bool{}
	for _, t := range r.components() {
		for _, id := range t.Shared().Secrets {
			named[id] = true
			if _, ok := r.secrets[id]; !ok {
				return fmt.Errorf("%s: component %s needs the secret %s\nhint: add --secret id=%s,src=<path>", t.Shared().At, t.Shared().Name, id, id)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.secrets)) {
		if !named[id] {
			return fmt.Errorf("--secret: no component that is built names the secret %s\nhint: add secrets = [%q] to the component that needs it", id, id)
		}
	}
	return nil
}

func (r *request) readNoCache(*cli.Context) error {
	for _, name := range r.noCache.Components {
		if _, ok := r.file.Component(name); !ok {
			return fmt.Errorf("--no-cache: no component %q in %s", name, r.file.Path)
		}
	}
	return nil
}

// components are those of the targets asked for.
func (r *request) components() []stage.Tool {
	var out []stage.Tool
	for _, name := range r.targets {
		if t, err := target(r.file, name); err == nil {
			out = append(out, tools(r.file, t.Components)...)
		}
	}
	return out
}

func (r *request) checkPins(c *cli.Context) error {
	var all []config.Target
	for _, name := range r.targets {
		if t, err := target(r.file, name); err == nil {
			all = append(all, t)
		}
	}
	return checkPins(c, r.file, all)
}

func pairs(flag string, values []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%s: %q is not KEY=VALUE", flag, v)
		}
		out[key] = value
	}
	return out, nil
}

// noCacheValue is --no-cache, which may stand alone or name components.
type noCacheValue struct{ solve.NoCache }

// IsBoolFlag lets the flag stand without a value.
func (*noCacheValue) IsBoolFlag() bool { return true }

// Set takes "true" for every step, or the name of a component.
func (v *noCacheValue) Set(s string) error {
	switch s {
	case "true", "all":
		v.All = true
	case "false":
	default:
		v.Components = append(v.Components, strings.Split(s, ",")...)
	}
	return nil
}

// String is the flag's value as it was given.
func (v *noCacheValue) String() string {
	if v.All {
		return "all"
	}
	return strings.Join(v.Components, ",")
}
