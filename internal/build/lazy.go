package build

import (
	"regexp"

	"github.com/medbuild/medbuild/internal/fetch"

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
	e.Address = fetch.Address(op.GetSource())
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
