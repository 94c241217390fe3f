package build

import (
	"regexp"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// An engine fetches the layers of an image when a step first needs their files.
// What goes wrong then is told of that step.
var (
	lazyFailure = regexp.MustCompile(`failed to copy: |failed commit on ref "layer-|httpReadSeeker: `)
	blobName    = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

// lazily makes the failure of a step to get an image's layers the failure to
// fetch that image, where it is sure which one.
func (b *Builder) lazily(g graph, e *StepError) {
	if e.Address != "" || !lazyFailure.MatchString(e.Err.Error()) {
		return
	}
	d, ok := b.lazyImage(g, e)
	if !ok {
		return
	}
	op, meta, _ := g.find(d)
	e.Step, e.digest = meta.Description["llb.customname"], d
	e.Component = component(e.Step)
	e.Address = address(op.GetSource())
	e.asked = e.Address
}

// lazyImage is the one image that the step's files come from, or else the one
// that the failure is about by what the engine told of its layers.
func (b *Builder) lazyImage(g graph, e *StepError) (digest.Digest, bool) {
	images := g.images(e.digest)
	if len(images) == 1 {
		return images[0], true
	}
	for _, blob := range blobName.FindAllString(e.Err.Error(), -1) {
		if d, ok := b.Progress.Record.fetching(blob); ok {
			return d, true
		}
	}
	return "", false
}

// images are the images among the inputs of a step and what those are made of.
func (g graph) images(d digest.Digest) []digest.Digest {
	var out []digest.Digest
	seen := map[digest.Digest]bool{}
	var visit func(digest.Digest)
	visit = func(d digest.Digest) {
		op, _, ok := g.find(d)
		if !ok || seen[d] {
			return
		}
		seen[d] = true
		if strings.HasPrefix(op.GetSource().GetIdentifier(), "docker-image://") {
			out = append(out, d)
		}
		for _, in := range op.Inputs {
			visit(digest.Digest(in.Digest))
		}
	}
	visit(d)
	return out
}

// fetching is the step that fetched a blob, as the engine reported it.
func (r *Record) fetching(blob string) (digest.Digest, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.blobs[blob]
	return d, ok
}
