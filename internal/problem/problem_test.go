package problem

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	at := Position{File: "components.toml", Line: 3, Col: 1}
	inner := Refusedf("prefix %s is taken", "/opt").Hint("choose a folder below %s", "/opt")
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"message alone", Failedf("no engine"), "no engine"},
		{"place and subject", At(at, "ants", inner), "components.toml:3:1: ants: prefix /opt is taken\nhint: choose a folder below /opt"},
		{"hints come last, however deep", fmt.Errorf("build: %w", At(at, "", inner)),
			"build: components.toml:3:1: prefix /opt is taken\nhint: choose a folder below /opt"},
		{"the cause's hint first", Hinted(inner, "or another"), "prefix /opt is taken\nhint: choose a folder below /opt\nhint: or another"},
		{"a hint once", Hinted(inner, "choose a folder below /opt"), "prefix /opt is taken\nhint: choose a folder below /opt"},
		{"joined, each with its hints", errors.Join(inner, Failedf("b").Hint("c")), "prefix /opt is taken\nhint: choose a folder below /opt\nb\nhint: c"},
		{"joined, with the same hint", errors.Join(Failedf("a").Hint("x"), Failedf("b").Hint("x"), Failedf("c"), Failedf("d").Hint("x"), Failedf("e").Hint("x").Hint("y")),
			"a\nb\nhint: x\nc\nd\nhint: x\ne\nhint: x\nhint: y"},
		{"words around joined errors", fmt.Errorf("a: %w", errors.Join(inner, Failedf("b").Hint("c"))),
			"a: prefix /opt is taken\nb\nhint: choose a folder below /opt\nhint: c"},
		{"two causes", fmt.Errorf("%w, and %w", inner, Failedf("b").Hint("c")),
			"prefix /opt is taken, and b\nhint: choose a folder below /opt\nhint: c"},
	} {
		if got := Text(c.err); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	transient, usage := New(Transient, "busy"), Usagef("no flag")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {io.EOF, 1}, {Refusedf("no"), 1}, {usage, 2}, {New(Verification, "no"), 3}, {transient, 75}, {New(Interrupted, ""), 130},
		{fmt.Errorf("a: %w", usage), 2},
		{At(Position{}, "a", transient), 75},
		{errors.Join(transient, transient), 75},
		{errors.Join(transient, io.EOF), 1},
		{errors.Join(usage, transient), 1},
		{As(Usage, io.EOF), 2},
		{As(Failed, transient), 1},
		{Wrapf("a: %w", io.EOF), 1},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestCauseIsReached(t *testing.T) {
	t.Parallel()
	err := error(Refusedf("read: %w", io.ErrUnexpectedEOF).Hint("again"))
	if !errors.Is(At(Position{File: "f"}, "x", err), io.ErrUnexpectedEOF) {
		t.Error("the cause is not reached")
	}
}

func TestNilStaysNil(t *testing.T) {
	t.Parallel()
	for _, err := range []error{At(Position{}, "x", nil), Hinted(nil, "x"), As(Usage, nil)} {
		if err != nil {
			t.Errorf("%v is an error", err)
		}
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	if got := (Position{File: "f"}).String(); got != "f" {
		t.Error(got)
	}
	if got := (Position{File: "f", Line: 2, Col: 3}).String(); got != "f:2:3" {
		t.Error(got)
	}
}

func TestHintLeavesTheErrorAsItIs(t *testing.T) {
	t.Parallel()
	e := Failedf("a").Hint("b")
	_, _ = e.Hint("c"), e.Hint("d")
	if got := Text(e); got != "a\nhint: b" {
		t.Error(got)
	}
}
