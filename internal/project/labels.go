package project

import (
	"maps"
	"slices"
	"strings"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/osparc"
	"github.com/medbuild/medbuild/internal/problem"
)

// NonCommercialLabel names the components that may be used for non-commercial
// purposes only; an image without such components does not have it.
const NonCommercialLabel = "io.github.medbuild.non-commercial"

// labels are those of the file, of the target and of the command, after those of
// the oSPARC service and those that medbuild itself knows.
func (t Target) labels(img assemble.Image, service, command map[string]string) map[string]string {
	out := map[string]string{
		"org.opencontainers.image.version":     t.image.Version,
		"org.opencontainers.image.base.name":   img.Base.Reference,
		"org.opencontainers.image.base.digest": img.Base.Digest,
		"org.opencontainers.image.licenses":    licences(img.Parts),
		NonCommercialLabel:                     strings.Join(assemble.NonCommercial(img.Parts), ","),
	}
	t.over(out, service, command)
	maps.DeleteFunc(out, func(k, v string) bool {
		_, wanted := service[k] // even without a value
		return v == "" && !wanted
	})
	return out
}

// over puts a service's labels, the file's and the command's over others.
func (t Target) over(labels, service, command map[string]string) {
	for _, more := range []map[string]string{service, t.image.Labels, t.settings.Labels, command} {
		maps.Copy(labels, more)
	}
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

// service is the labels of the oSPARC service that a target is; none of others.
func (t Target) service(o Options) (map[string]string, error) {
	if t.settings.Osparc.Key == "" {
		return nil, nil
	}
	var from osparc.Origin
	if o.Origin != nil {
		from = o.Origin()
	}
	own, all := t.settings.Osparc.With(from), map[string]string{}
	t.over(all, own, o.Labels)
	return own, problem.At(t.At(), "target "+t.Name, osparc.CheckDate(all))
}
