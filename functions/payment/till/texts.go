package till

import (
	"net/http"

	"golang.org/x/text/language"
)

// texts are the page's texts in one language. Pay and Until have a %s for the amount
// and the time.
type texts struct {
	tag language.Tag // for numbers, with the same digits as seats
	Dir string       // the direction of the text

	Title, Warning                  string
	Total, Until, Over, Back        string
	Pay, Decline, Late, Leave       string
	declined, left, tooLate         string
	unknown, unreadable, notWritten string
}

// spoken are the languages of the page. The first one is the default.
var spoken = []texts{
	{
		tag: language.English, Dir: "ltr",
		Title: "Till: no money moves", Warning: "This is not a real payment. No money moves.",
		Total: "Total", Until: "Pay before %s.", Over: "Nobody can pay here any more.", Back: "Back to the shop",
		Pay: "Pay %s", Decline: "Decline the card", Late: "Pay after my seats are gone", Leave: "Never come back",
		declined:   "Declined. You can try again as long as there is time.",
		left:       "You have left, and never come back. The payment ends by itself.",
		tooLate:    "It is too late: this payment is over.",
		unknown:    "There is no such payment.",
		unreadable: "The till cannot read this payment just now. Try again.",
		notWritten: "The till could not write this down. Try again.",
	},
	{
		tag: language.German, Dir: "ltr",
		Title: "Kasse: Es fließt kein Geld", Warning: "Das ist keine echte Zahlung. Es fließt kein Geld.",
		Total: "Summe", Until: "Bezahlen Sie vor %s.", Over: "Hier kann niemand mehr bezahlen.", Back: "Zurück zum Shop",
		Pay: "%s bezahlen", Decline: "Karte ablehnen", Late: "Bezahlen, wenn meine Plätze weg sind", Leave: "Nie zurückkommen",
		declined:   "Abgelehnt. Sie können es noch einmal versuchen, solange Zeit ist.",
		left:       "Sie sind gegangen und kommen nie zurück. Die Zahlung endet von selbst.",
		tooLate:    "Es ist zu spät: Diese Zahlung ist vorbei.",
		unknown:    "Diese Zahlung gibt es nicht.",
		unreadable: "Die Kasse kann diese Zahlung gerade nicht lesen. Versuchen Sie es noch einmal.",
		notWritten: "Die Kasse konnte das nicht speichern. Versuchen Sie es noch einmal.",
	},
	{
		tag: language.French, Dir: "ltr",
		Title: "Caisse : aucun argent ne circule", Warning: "Ceci n’est pas un vrai paiement. Aucun argent ne circule.",
		Total: "Total", Until: "Payez avant %s.", Over: "Plus personne ne peut payer ici.", Back: "Retour à la billetterie",
		Pay: "Payer %s", Decline: "Refuser la carte", Late: "Payer une fois mes places perdues", Leave: "Ne jamais revenir",
		declined:   "Refusé. Vous pouvez réessayer tant qu’il reste du temps.",
		left:       "Vous êtes parti et ne reviendrez jamais. Le paiement prendra fin tout seul.",
		tooLate:    "Trop tard : ce paiement est terminé.",
		unknown:    "Ce paiement n’existe pas.",
		unreadable: "La caisse ne peut pas lire ce paiement pour le moment. Réessayez.",
		notWritten: "La caisse n’a pas pu enregistrer cela. Réessayez.",
	},
	{
		tag: language.MustParse("ar-u-nu-latn"), Dir: "rtl",
		Title: "صندوق الدفع: لا تُنقل أي أموال", Warning: "هذه ليست عملية دفع حقيقية. لا تُنقل أي أموال.",
		Total: "المجموع", Until: "ادفع قبل %s.", Over: "لم يعد الدفع ممكنًا هنا.", Back: "العودة إلى المتجر",
		Pay: "ادفع %s", Decline: "ارفض البطاقة", Late: "ادفع بعد فقدان مقاعدي", Leave: "لا تعد أبدًا",
		declined:   "رُفضت البطاقة. يمكنك المحاولة من جديد ما دام هناك وقت.",
		left:       "لقد غادرت ولن تعود. تنتهي عملية الدفع من تلقاء نفسها.",
		tooLate:    "فات الوقت: انتهت عملية الدفع هذه.",
		unknown:    "لا توجد عملية دفع كهذه.",
		unreadable: "لا يستطيع الصندوق قراءة عملية الدفع هذه الآن. حاول من جديد.",
		notWritten: "لم يتمكن الصندوق من حفظ ذلك. حاول من جديد.",
	},
}

var matcher = language.NewMatcher(tags())

func tags() (all []language.Tag) {
	for _, t := range spoken {
		all = append(all, t.tag)
	}
	return all
}

// textsFor returns the texts in the language of the parameter lang, or else in the one
// that the browser asks for.
func textsFor(r *http.Request) *texts {
	_, at := language.MatchStrings(matcher, r.FormValue("lang"), r.Header.Get("Accept-Language"))
	return &spoken[at]
}

// Lang returns the language for the page's HTML.
func (t *texts) Lang() string {
	base, _ := t.tag.Base()
	return base.String()
}
