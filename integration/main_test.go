// Package integration tests medbuild as its users meet it: the built command,
// a real engine, a real base.
package integration

import (
	"os"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }
