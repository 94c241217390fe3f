// Package faults tests what goes wrong: sources that fail, full disks,
// interrupts, mirrors and logins.
package faults

import (
	"os"
	"testing"

	"github.com/medbuild/medbuild/integration/kit"
)

func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }
