// Package images builds the service's images, and uses them as the platform and
// its users do.
package images

import (
	"os"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }
