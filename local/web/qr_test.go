package web

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestCodeIsDrawn checks that the picture has the modules of the code and a margin of four
// modules.
func TestCodeIsDrawn(t *testing.T) {
	const text = "K7Q2M4XZT5JWN3B6HVRYD2CALE"
	picture, err := drawCode(text)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := make(map[[2]int]bool)
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`).FindAllStringSubmatch(picture, -1) {
		var n [4]int
		for i := range n {
			if n[i], err = strconv.Atoi(m[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if n[3] != n[0] {
			t.Errorf("a run goes back to %d, and began at %d", n[3], n[0])
		}
		for x := range n[2] {
			black[[2]int{n[0] + x - 4, n[1] - 4}] = true
		}
	}
	for y := range code.Size {
		for x := range code.Size {
			if black[[2]int{x, y}] != code.Black(x, y) {
				t.Fatalf("the module at %d, %d is %v", x, y, black[[2]int{x, y}])
			}
		}
	}
	if side := strconv.Itoa(code.Size + 8); !strings.Contains(picture, `viewBox="0 0 `+side+` `+side+`"`) {
		t.Errorf("the picture has another margin: %.120s", picture)
	}
}
