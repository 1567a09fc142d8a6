// Package e2e tests the seat map page as people use it: with the real program and
// a real Chromium. It consists only of tests, which find things on the page by what a
// person sees or a screen reader reads out.
package e2e
