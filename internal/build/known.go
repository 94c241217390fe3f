package build

import "github.com/medbuild/medbuild/stages/stage"

// Known is the base of the settings with what earlier builds kept of it. When
// they kept nothing it is false: Builder.Base must ask on an engine then.
func (g *Ground) Known(s stage.BaseSettings) (stage.Base, bool, error) {
	b, err := g.Base(s)
	if err != nil {
		return b, false, err
	}
	f, ok := g.kept(b.Digest)
	if ok {
		b.Facts = f
	}
	return b, ok, nil
}
