package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/assemble"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/urfave/cli/v2"
)

// nonCommercialLabel names the components that may be used for non-commercial
// purposes only; an image without such components does not have it.
const nonCommercialLabel = "io.github.medbuild.non-commercial"

// order is the build of one target.
func (r *request) order(c *cli.Context, s *session, name string) (built, error) {
	t, err := target(r.file, name)
	if err != nil {
		return built{}, err
	}
	service, err := serviceLabels(c, r.file, t, s.created, r.labels)
	if err != nil {
		return built{}, err
	}
	img, err := assembled(c, s, r.file, t)
	if err != nil {
		return built{}, err
	}
	b := built{target: t, names: r.names(t.Name, t.ImageName)}
	b.order = build.Order{Image: img, Labels: r.allLabels(t.Labels, service, img)}
	for _, o := range r.outputs {
		o.Dest = strings.ReplaceAll(o.Dest, "{target}", name)
		entry, err := o.Entry(b.names, s.created.Unix(), s.engine.InDocker())
		if err != nil {
			return b, err
		}
		b.outputs, b.order.Output = append(b.outputs, o), append(b.order.Output, entry)
	}
	return b, nil
}

// names are the image's references: the tags given, or the name and version
// in the file. A single component's image has its name behind the image's.
func (r *request) names(name, own string) []string {
	if len(r.tags) > 0 {
		return r.tags
	}
	image := r.file.Image.Name
	if own != "" {
		image = own
	}
	if _, ok := r.file.Component(name); ok {
		image += "-" + name
	}
	return []string{image + ":" + r.file.Image.Version}
}

// allLabels are the labels of the file, of the target and of the command line,
// after those of the oSPARC service and those that medbuild itself knows.
func (r *request) allLabels(target, service map[string]string, img assemble.Image) map[string]string {
	out := map[string]string{
		"org.opencontainers.image.version":     r.file.Image.Version,
		"org.opencontainers.image.base.name":   img.Base.Reference,
		"org.opencontainers.image.base.digest": img.Base.Digest,
		"org.opencontainers.image.licenses":    licences(img.Parts),
		nonCommercialLabel:                     strings.Join(assemble.NonCommercial(img.Parts), ","),
	}
	for _, over := range []map[string]string{service, r.file.Image.Labels, target, r.labels} {
		maps.Copy(out, over)
	}
	maps.DeleteFunc(out, func(k, v string) bool {
		_, wanted := service[k] // even without a value
		return v == "" && !wanted
	})
	return out
}

func licences(parts []assemble.Part) string {
	var out []string
	for _, p := range parts {
		if !slices.Contains(out, p.Licence.SPDX) {
			out = append(out, p.Licence.SPDX)
		}
	}
	return strings.Join(out, " AND ")
}
