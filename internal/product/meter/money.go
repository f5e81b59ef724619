package meter

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// NanoUSD is an amount of money in billionths of a dollar. Sums of it are exact;
// pages round for reading only.
type NanoUSD int64

// Dollar is one US dollar.
const Dollar NanoUSD = 1_000_000_000

// maxMoney bounds limits, nine million dollars, so that sums and prices cannot
// overflow.
const maxMoney = 9_000_000 * Dollar

// String writes the exact amount, for example $0.0125 or -$3.00, with at least
// two decimals.
func (n NanoUSD) String() string {
	sign, whole := "", n
	if n < 0 {
		sign, whole = "-", -n
	}
	fraction := fmt.Sprintf("%09d", whole%Dollar)
	for len(fraction) > 2 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	return sign + "$" + strconv.FormatInt(int64(whole/Dollar), 10) + "." + fraction
}

// Weighed is a number of tokens weighed by price: 1 is what one uncached input
// token of the standard class costs on the rate card in force (SPEC 8).
type Weighed int64

// Amount is what a call costs, in both units.
type Amount struct {
	Nano    NanoUSD
	Weighed Weighed
}

// Rate is the price of tokens: millionths of a dollar per million tokens, which is
// billionths of a thousandth of a dollar for one. $2.50 a million is 2 500 000.
type Rate int64

// maxRate is $1 000 a million tokens; anything above is a slip of the pen.
const maxRate Rate = 1_000_000_000

// UnmarshalJSON reads dollars per million tokens as a decimal number, exactly.
func (r *Rate) UnmarshalJSON(text []byte) error {
	exact, ok := new(big.Rat), false
	if len(text) <= 20 { // no exponents that take a day to write out
		exact, ok = exact.SetString(string(text))
	}
	if !ok {
		return fmt.Errorf("%s is not a number", text)
	}
	exact.Mul(exact, big.NewRat(1_000_000, 1))
	if !exact.IsInt() || exact.Sign() < 0 || exact.Cmp(big.NewRat(int64(maxRate), 1)) > 0 {
		return fmt.Errorf("%s is not a price: 0 to 1000 dollars with at most six decimals", text)
	}
	*r = Rate(exact.Num().Int64())
	return nil
}

// pico is money in thousandths of a nano-dollar, the unit of one token at a Rate.
// Prices are added up in it and rounded once, upwards.
type pico int64

// amount rounds p up in both units. A unit of 0 weighs nothing.
func (p pico) amount(unit Rate) Amount {
	a := Amount{Nano: NanoUSD(ceil(int64(p), 1000))}
	if unit > 0 {
		a.Weighed = Weighed(ceil(int64(p), int64(unit)))
	}
	return a
}

func ceil(n, by int64) int64 { return (n + by - 1) / by }
