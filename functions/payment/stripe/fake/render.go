package fake

import "strings"

// render returns the session as Stripe shows it, with the objects of those
// names in it whole.
func (c *session) render(expand []string) object {
	o := object{
		"id":                      c.id,
		"object":                  "checkout.session",
		"amount_subtotal":         c.amount,
		"amount_total":            c.amount,
		"automatic_tax":           object{"enabled": false, "liability": nil, "provider": nil, "status": nil},
		"cancel_url":              orNull(c.cancel),
		"client_reference_id":     orNull(c.reference),
		"created":                 c.created.Unix(),
		"currency":                c.currency,
		"custom_fields":           []object{},
		"custom_text":             object{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},
		"customer":                nil,
		"customer_email":          orNull(c.email),
		"expires_at":              c.expiresAt.Unix(),
		"livemode":                false,
		"locale":                  orNull(c.locale),
		"metadata":                c.metadata,
		"mode":                    "payment",
		"payment_intent":          nil,
		"payment_method_types":    c.offers(),
		"payment_status":          "unpaid",
		"shipping_options":        []object{},
		"status":                  c.status,
		"success_url":             c.success,
		"total_details":           object{"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
		"ui_mode":                 "hosted_page",
		"url":                     nil,
		"phone_number_collection": object{"enabled": false},
	}
	if c.status == open {
		o["url"] = "https://checkout.stripe.com/c/pay/" + c.id
	}
	if i := c.intent; i != nil {
		o["payment_intent"] = i.id
		if rest, ok := within(expand, "payment_intent"); ok {
			o["payment_intent"] = i.render(rest)
		}
		if i.status == succeeded {
			o["payment_status"] = "paid"
		}
	}
	return o
}

func (i *intent) render(expand []string) object {
	o := object{
		"id":                   i.id,
		"object":               "payment_intent",
		"amount":               i.amount,
		"amount_capturable":    0,
		"amount_received":      i.received,
		"canceled_at":          nil,
		"cancellation_reason":  orNull(i.reason),
		"capture_method":       "automatic_async",
		"client_secret":        i.id + "_secret_fake",
		"confirmation_method":  "automatic",
		"created":              i.created.Unix(),
		"currency":             i.currency,
		"customer":             nil,
		"description":          orNull(i.session.description),
		"last_payment_error":   nil,
		"latest_charge":        nil,
		"livemode":             false,
		"metadata":             i.metadata,
		"next_action":          nil,
		"payment_method":       nil,
		"payment_method_types": []string{i.method},
		"status":               i.status,
	}
	if i.manual {
		o["capture_method"] = "manual"
	}
	if i.status == requiresCapture {
		o["amount_capturable"] = i.amount
	}
	if !i.canceledAt.IsZero() {
		o["canceled_at"] = i.canceledAt.Unix()
	}
	if i.declined {
		o["last_payment_error"] = object{"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Your card was declined."}
	}
	if i.charge != nil {
		o["latest_charge"] = i.charge.id
		if _, ok := within(expand, "latest_charge"); ok {
			o["latest_charge"] = i.renderCharge()
		}
	}
	return o
}

func (i *intent) renderCharge() object {
	c := i.charge
	refunded := i.refunded()
	details := object{"type": i.method}
	switch i.method {
	case "card":
		card := object{"brand": "visa", "country": "DE", "exp_month": 12, "exp_year": c.created.Year() + 3, "funding": "credit", "last4": "4242", "network": "visa"}
		if !c.captureBefore.IsZero() {
			card["capture_before"] = c.captureBefore.Unix()
		}
		details["card"] = card
	case "sepa_debit":
		details["sepa_debit"] = object{"country": "DE", "last4": "3000"}
	}
	status := succeeded
	if i.status == processing {
		status = pending
	}
	return object{
		"id":                     c.id,
		"object":                 "charge",
		"amount":                 i.amount,
		"amount_captured":        i.received,
		"amount_refunded":        refunded,
		"billing_details":        object{"address": nil, "email": nil, "name": nil, "phone": nil, "tax_id": nil},
		"captured":               c.captured,
		"created":                c.created.Unix(),
		"currency":               i.currency,
		"disputed":               false,
		"livemode":               false,
		"metadata":               i.metadata,
		"paid":                   status == succeeded,
		"payment_intent":         i.id,
		"payment_method_details": details,
		"refunded":               c.captured && refunded == i.received,
		"status":                 status,
	}
}

func (r *refund) render() object {
	o := object{
		"id":             r.id,
		"object":         "refund",
		"amount":         r.amount,
		"charge":         r.intent.charge.id,
		"created":        r.created.Unix(),
		"currency":       r.intent.currency,
		"metadata":       r.metadata,
		"payment_intent": r.intent.id,
		"reason":         nil,
		"status":         r.status,
	}
	switch r.status {
	case failed:
		o["failure_reason"] = "expired_or_canceled_card"
	case pending:
		o["pending_reason"] = "insufficient_funds"
	}
	return o
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// within reports whether the object of that name is to be whole, and which objects in
// it are.
func within(expand []string, name string) (rest []string, ok bool) {
	for _, path := range expand {
		first, inner, deeper := strings.Cut(path, ".")
		if first == name {
			ok = true
			if deeper {
				rest = append(rest, inner)
			}
		}
	}
	return rest, ok
}
