// Package e2e tries the seat map page as people use it: the real program on a
// port of its own, and a real Chromium. It has no code beside its tests; they
// know the page by what a person sees or a screen reader hears.
package e2e
