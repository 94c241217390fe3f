// Package docker tests Docker as the engine, and as where images go.
package docker

import (
	"os"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }
