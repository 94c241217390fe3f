package base

import (
	"testing"

	"github.com/medbuild/medbuild/llb/llbtest"
)

func TestSourcesAreEmbedded(t *testing.T) {
	t.Parallel()
	llbtest.Embeds(t, source)
}
