package main

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/output"
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/project"
	"github.com/medbuild/medbuild/internal/site"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/moby/buildkit/client"
)

// request is a build as the command line states it, checked before an engine
// is looked for.
type request struct {
	flags     buildFlags
	project   *project.Project
	targets   []project.Target
	outputs   []output.Output
	labels    map[string]string
	secrets   map[string][]byte
	cacheFrom []client.CacheOptionsEntry
	cacheTo   []client.CacheOptionsEntry
}

func readRequest(f buildFlags) (*request, error) {
	p, err := f.opened()
	if err != nil {
		return nil, err
	}
	r := &request{flags: f, project: p}
	if err := r.selectTargets(); err != nil {
		return nil, err
	}
	for _, read := range []func() error{
		f.checkPlatform, f.checkJobs, f.checkEngine, r.readTags, r.readOutputs, r.readLabels, r.readCaches, r.readSecrets,
	} {
		if err := read(); err != nil {
			return nil, problem.As(problem.Usage, err)
		}
	}
	if err := errors.Join(p.CheckNoCache(f.noCache.Components), r.checkPlaces()); err != nil {
		return nil, err
	}
	return r, f.refused(p, r.targets)
}

func (r *request) selectTargets() error {
	if err := r.mistaken(); err != nil {
		return err
	}
	var err error
	r.targets, err = r.project.Select(r.flags.targets)
	return err
}

func (r *request) readTags() error {
	var err error
	r.targets, err = project.Tagged(r.targets, r.flags.tags)
	return err
}

// mistaken refuses a target's name where a tag stands and no target is named: as
// a tag it would be of an image of the only target, or of none.
func (r *request) mistaken() error {
	for _, tag := range r.flags.tags {
		if len(r.flags.targets) == 0 && r.project.Has(tag) {
			return problem.Usagef("--tag %s: this is a target of %s, and no target is named", tag, r.project.Path).
				Hint("-t is --tag, as for docker build; name the target with --target %s", tag)
		}
	}
	return nil
}

// readOutputs reads where the images go. Without any output they stay in the
// engine.
func (r *request) readOutputs() error {
	for _, s := range r.flags.outputs {
		o, err := output.ParseOutput(s)
		if err != nil {
			return err
		}
		r.outputs = append(r.outputs, o)
	}
	if r.flags.push {
		if err := r.push(); err != nil {
			return err
		}
	}
	if len(r.outputs) == 0 {
		r.outputs = []output.Output{{Type: client.ExporterImage, Attrs: map[string]string{}}}
	}
	return r.checkOutputs()
}

// push pushes the image outputs that are given, or else one more.
func (r *request) push() error {
	if err := project.Pushable(r.targets); err != nil {
		return err
	}
	found := false
	for i, o := range r.outputs {
		if o.Type != client.ExporterImage {
			continue
		}
		var err error
		if r.outputs[i], err = o.Push(); err != nil {
			return err
		}
		found = true
	}
	if !found {
		r.outputs = append(r.outputs, output.Output{Type: client.ExporterImage, Attrs: map[string]string{"push": "true"}})
	}
	return nil
}

// checkPlaces refuses outputs that could not be written once they are built.
func (r *request) checkPlaces() error {
	var all []output.Output
	for _, t := range r.targets {
		for _, o := range r.outputs {
			all = append(all, o.For(t.Name))
		}
	}
	if r.flags.iid != "" && !slices.ContainsFunc(r.outputs, output.Output.Image) {
		return problem.Usagef("--iidfile writes the digest of an image, but no output is an image").Hint("add --output type=image, or leave --iidfile out")
	}
	return output.CheckPlaces(all, output.File{Option: "--metadata-file", Path: r.flags.metadata}, output.File{Option: "--iidfile", Path: r.flags.iid})
}

// checkOutputs refuses several targets where one would take another's place.
func (r *request) checkOutputs() error {
	if len(r.targets) < 2 {
		return nil
	}
	if slices.ContainsFunc(r.outputs, output.Output.ByName) {
		if err := project.Distinct(r.targets); err != nil {
			return err
		}
	}
	for _, o := range r.outputs {
		if !o.Apart() {
			return problem.Usagef("several targets would be written to the same output %s", o.Dest).Hint("write {target} in dest: it is replaced by the name of each target")
		}
	}
	return nil
}

func (r *request) readLabels() error {
	var err error
	if r.labels, err = pairs("--label", r.flags.labels); err != nil {
		return err
	}
	for _, k := range slices.Sorted(maps.Keys(r.labels)) {
		if err := osparc.CheckLabel(k, r.labels[k]); err != nil {
			return problem.Wrapf("--label: %w", err)
		}
	}
	annotations, err := pairs("--annotation", r.flags.annotations)
	for _, o := range r.outputs {
		if err := o.Annotate(annotations); err != nil {
			return err
		}
	}
	return err
}

func (r *request) readCaches() error {
	var err error
	if r.cacheFrom, err = build.ParseCaches("--cache-from", r.flags.cacheFrom, os.Getenv); err != nil {
		return err
	}
	if r.cacheTo, err = build.ParseCaches("--cache-to", r.flags.cacheTo, os.Getenv); err != nil {
		return err
	}
	if len(r.cacheTo) > 0 && len(r.targets) > 1 {
		return problem.Usagef("--cache-to exports the cache of one target, but several are built").Hint("build them one after the other")
	}
	if r.flags.iid != "" && len(r.targets) > 1 {
		return problem.Usagef("--iidfile writes the digest of one image, but several targets are built").Hint("--metadata-file writes those of all targets")
	}
	return nil
}

func (r *request) readSecrets() error {
	var err error
	if r.secrets, err = site.ParseSecrets(r.flags.secrets, os.Getenv); err != nil {
		return err
	}
	return project.CheckSecrets(r.targets, r.secrets)
}

func pairs(flag string, values []string) (map[string]string, error) {
	out := map[string]string{}
	for _, v := range values {
		key, value, ok := strings.Cut(v, "=")
		if !ok || key == "" {
			return nil, problem.Usagef("%s: %q is not KEY=VALUE", flag, v)
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
