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
