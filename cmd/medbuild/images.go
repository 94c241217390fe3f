package main

import (
	"context"
	"errors"

	"github.com/medbuild/medbuild/internal/base"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/project"
)

// refused is what stands against building the targets, unless it is allowed.
func (o options) refused(p *project.Project, targets []project.Target) error {
	unfilled := project.Unfilled(targets)
	if o.allowUnpinned {
		return unfilled
	}
	return errors.Join(unfilled, project.Refused(targets, o.bases(p.Dir())))
}

// bases is those of a file in dir, and what earlier builds kept of them.
func (o options) bases(dir string) *base.Bases {
	b := base.New(dir, cacheDir())
	b.AllowUnpinned = o.allowUnpinned
	return b
}

// images is what the command says of all its images.
func (o options) images(ctx context.Context, p *project.Project) (project.Options, error) {
	created, err := sourceDateEpoch()
	return project.Options{
		AllowUnpinned: o.allowUnpinned,
		Created:       created,
		Origin:        func() osparc.Origin { return origin(ctx, p.Dir(), created) },
	}, err
}

// assemble puts targets together and says what may go wrong with them. labels
// are the command line's.
func (o options) assemble(ctx context.Context, s *session, p *project.Project, targets []project.Target, labels map[string]string) ([]project.Image, error) {
	settings, err := o.images(ctx, p)
	if err != nil {
		return nil, err
	}
	settings.Labels = labels
	images, err := project.Assemble(ctx, targets, s, settings)
	for _, img := range images {
		for _, w := range img.Warnings() {
			if say := o.say(); say != nil {
				say("warning: " + w)
			}
		}
	}
	return images, err
}
