package client

import (
	"context"
	"net/url"

	"seatlock/lockstore"
)

// Counts are the numbers of seats in each state, including the places of areas.
type Counts struct {
	Available int `json:"available"`
	Locked    int `json:"locked"`
	Booked    int `json:"booked"`
	Blocked   int `json:"blocked"` // not for sale
}

// Total returns the number of all seats.
func (n Counts) Total() int { return n.Available + n.Locked + n.Booked + n.Blocked }

// EventCounts are the Counts of an event and of its parts at one moment.
type EventCounts struct {
	Counts
	Categories map[string]Counts // by id: of every category that a seat or an area has
	Areas      map[string]Counts // by name
}

// Counts counts the seats of the event, with GET /seats. It asks for the list of
// blocked seats, since that is the shortest.
func (c *Client) Counts(ctx context.Context, ev *lockstore.Event) (EventCounts, error) {
	var answer struct {
		Counts     Counts `json:"counts"`
		Categories []struct {
			Category string `json:"category"`
			Counts
		} `json:"categories"`
		Areas []struct {
			Section string `json:"section"`
			Counts
		} `json:"areas"`
	}
	query := url.Values{"eventId": {string(ev.ID)}, "status": {lockstore.Blocked.String()}}
	if err := c.get(ctx, "seats?"+query.Encode(), &answer); err != nil {
		return EventCounts{}, err
	}
	n := EventCounts{answer.Counts, make(map[string]Counts), make(map[string]Counts)}
	for _, part := range answer.Categories {
		n.Categories[part.Category] = part.Counts
	}
	for _, part := range answer.Areas {
		n.Areas[part.Section] = part.Counts
	}
	return n, nil
}
