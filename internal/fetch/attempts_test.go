package fetch

import "testing"

// A mirror that fails is passed over for this source, one that gives no answer
// or fails often is asked last for the others.
func TestAttempts(t *testing.T) {
	t.Parallel()
	tries := NewAttempts([]Mirror{{From: "https://a.example", To: []string{"https://one.example", "https://two.example"}}})
	next := func(address string) string {
		at, fresh := tries.Next(address)
		if !fresh {
			return ""
		}
		return at
	}
	fail := func(address string, f Failure) {
		at, _ := tries.Next(address)
		tries.Fail(address, at, f)
	}
	fail("https://a.example/x", Failure{Answered: true})
	if x, y := next("https://a.example/x"), next("https://a.example/y"); x != "https://two.example/x" || y != "https://one.example/y" {
		t.Errorf("after a missing file x comes from %q and y from %q", x, y)
	}
	fail("https://a.example/x", Failure{Answered: true})
	if x := next("https://a.example/x"); x != "" || tries.Reopen("https://a.example/x") {
		t.Errorf("a file that no mirror has is asked for again at %q", x)
	}
	fail("https://a.example/z", Failure{Transient: true})
	if y := next("https://a.example/y"); y != "https://two.example/y" {
		t.Errorf("after no answer from one, y comes from %q", y)
	}
	fail("https://a.example/z", Failure{Answered: true})
	if z := next("https://a.example/z"); z != "" || !tries.Reopen("https://a.example/z") || next("https://a.example/z") != "https://one.example/z" {
		t.Errorf("z is asked for at %q; a transient failure is not tried again", z)
	}
	if n := tries.Count(); n != 4 {
		t.Errorf("%d attempts failed, want 4", n)
	}
}

// A source that is out of attempts lists what each mirror answered, and who to
// log in at first.
func TestOut(t *testing.T) {
	t.Parallel()
	const address = "https://a.example/x"
	tries := NewAttempts([]Mirror{{From: "https://a.example", To: []string{"https://one.example", "https://two.example"}}})
	tries.Fail(address, "https://one.example/x", Failure{Reason: "broken\noff", Transient: true})
	tries.Fail(address, "https://one.example/x", Failure{Reason: "broken\noff", Transient: true})
	tries.Fail(address, "https://two.example/x", status(401))
	out := tries.Out(address, Failure{}, 2)
	want := "no mirror has it\n  https://one.example/x: broken\n  off (2 tries)\n  https://two.example/x: the server answers 401 Unauthorized"
	if out.Reason != want || !out.Transient || len(out.Hints) != 2 || out.Hints[0] != loginHint {
		t.Errorf("%+v", out)
	}
	alone := tries.Out("https://b.example/y", Failure{Reason: "broken", Transient: true, Hints: []string{"wait"}}, 3)
	if alone.Reason != "broken (3 tries)" || !alone.Transient || alone.Hints[0] != "wait" {
		t.Errorf("%+v", alone)
	}
}

// A place that is no mirror's counts for itself.
func TestFailElsewhere(t *testing.T) {
	t.Parallel()
	tries := NewAttempts(nil)
	tries.Fail("https://a.example/x", "https://a.example/x", Failure{})
	tries.Fail("https://a.example/x", "https://moved.example/x", Failure{})
	if tries.Count() != 2 || tries.Mirrored("https://a.example/x") {
		t.Errorf("%d attempts", tries.Count())
	}
}
