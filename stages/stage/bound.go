package stage

import (
	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/internal/size"
)

// Bound is how much the archive of a component may hold. Stages that unpack one
// embed it.
type Bound struct {
	Unpacked string `toml:"unpacked" form:"size" doc:"the size of the archive when it is unpacked, such as 12 GB; more is refused. A hundred times the size of the archive when left out, at least 1 GB and at most 40 GB"`
}

// Fits reports what is wrong with the bound of a source.
func (b Bound) Fits(s Source) error {
	switch n, err := size.Parse(b.Unpacked); {
	case b.Unpacked == "":
		return nil
	case s.Git+s.Image != "":
		return problem.Refusedf("unpacked is the size of an archive, but the source is not one").Hint("remove unpacked")
	case err != nil || n < 1:
		return problem.Refusedf("unpacked %q is not a size", b.Unpacked).Hint(`write it as in unpacked = "12 GB"`)
	}
	return nil
}

// Most is how much the archive may hold when it is unpacked, in bytes; 0 where
// nothing is stated.
func (b Bound) Most() int64 {
	n, err := size.Parse(b.Unpacked)
	if err != nil {
		return 0
	}
	return n
}
