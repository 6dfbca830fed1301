// Prints what Go's time package makes of durations, as the tables that duration/tests.rs compares
// with:
//
//	go run durations.go parse > durations-parse.json
//	go run durations.go format > durations-format.json
//
// The tables in the repository were made with go 1.26.8.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strings"
	"time"
)

var texts = []string{
	"0", "+0", "-0", "00", "0s", "-0s", "", "+", "-", "--1s", "+-1s", "1h", "1h0m0s", "5s",
	"30s", "2021s", "-5s", "+5s", "5.0s", "5.6s", "5.", "5.s", ".5s", "-.5s", ".s", "+.s",
	"-.", "1.0s", "1.00s", "1.004s", "1.0040s", "100.00100s", "10ns", "11us", "12\u00b5s",
	"12\u03bcs", "13ms", "14s", "15m", "16h", "3h30m", "10.5s4m", "-2m3.4s", "1h2m3s4ms5us6ns",
	"41h7m13.375s", "1s1s1s", "1m1h", "52763797000ns", "0.3333333333333333333h",
	"0.100000000000000000000h", "0.9223372036854775807h", "0.718281828459045235360h", "0.1ns",
	"0.9ns", "1.9999999999ns", "1.1us", "0.000000001s", "0.0000000009s", "0.07s", "0.29s",
	"2.675s", "1.005h", "0.7m", "0.1h", "0.01h", "0.001h", "9007199254.740995ms",
	"9223372036854775807ns", "9223372036854775.807us", "9223372036s854ms775us807ns",
	"-9223372036854775808ns", "9223372036854775808ns", "+9223372036854775808ns",
	"-9223372036854775.808us", "-9223372036s854ms775us808ns", "-2562047h47m16.854775808s",
	"2562047h47m16.854775807s", "2562047h47m16.854775808s", "-2562047h47m16.854775809s",
	"9223372036854775809ns", "9223372036854775.808us", "2562047h47m17s", "2562048h",
	"3000000h", "99999999999999999999h", "9999999999999999999999999999999999999999999999s",
	"-99999999999999999999h", "18446744073709551615ns", "18446744073709551616ns",
	"99999999999999999999", "99999999999999999999.5x",
	"9223372036854775808ns9223372036854775808ns",
	"-9223372036854775808ns9223372036854775808ns",
	"9223372036854775808ns9223372036854775808ns1h", "9223372036854775808ns1ns",
	"9223372036854775807ns1ns", "9223372036854775807.9ns", "9223372036854775808.9ns",
	"9223372036854775807ns0.9ns", "3", "3.", "3.5", "3000000h ", "1d", "1w", "1y", "1H", "1S",
	"1M", "1 h", " 1h", "1h ", "1 ", "1.2.3s", "1..s", "1.s.s", "1_000s", "1,5s", "1e3s",
	"0x10s", "0x", "1h30", "1h30m5", "h", "ns", "s1", "1hh", "1\u00b5", "1\u00b5m", "\u0661s",
	"1s\u0661", "\uff11s", "1\u0000s", "1s\u0000", "\u0000", "\n1s", "1s\n", "inf", "NaN",
	"null", "1h-1m", "1h+1m", "1m-", "\u22121s", "\u00bds", "1s;2s", "1\"h",
	"0.0000000000000000000000000000000000000000000000000000000001s", ".00000000000000000000h",
	"1.99999999999999999999999999999999999s", "0.9999999999999999999999999999h",
	"0.99999999999999999999999999m", "0." + strings.Repeat("3", 300) + "h",
	strings.Repeat("0", 300) + "1s",
}

var values = []int64{
	0, 1, -1, 999, 1000, 1001, 1100, 2200, 999999, 1000000, 3300000, 999999999, 1000000000,
	1000000001, -1000000001, 1500000000, 59999999999, 60000000000, 60000000001, 245000000000,
	245001000000, 18367001000000, 3599999999999, 3600000000000, 3600000000001, 86400000000000,
	480000000001, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1,
	-3600000000000, 100, 10, 100000, 10000, 100000000, 10000000, -500, -1500, -1500000,
}

func main() {
	random := rand.New(rand.NewSource(7))
	var rows []string
	row := func(cells ...any) {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(cells); err != nil {
			panic(err)
		}
		rows = append(rows, strings.TrimSpace(text.String()))
	}
	switch os.Args[1] {
	case "parse":
		for range 120 {
			texts = append(texts, randomText(random))
		}
		for _, text := range texts {
			duration, err := time.ParseDuration(text)
			if err != nil {
				row(text, reason(err))
			} else {
				row(text, int64(duration))
			}
		}
	case "format":
		for range 60 {
			value := random.Int63() >> random.Intn(62)
			if random.Intn(2) == 0 {
				value = -value
			}
			values = append(values, value)
		}
		for _, value := range values {
			row(value, time.Duration(value).String())
		}
	}
	fmt.Printf("[\n%s\n]\n", strings.Join(rows, ",\n"))
}

// reason tells Go's three kinds of error apart.
func reason(err error) string {
	for _, reason := range []string{"missing unit", "unknown unit"} {
		if strings.Contains(err.Error(), reason) {
			return reason
		}
	}
	return "invalid"
}

// randomText makes one to three numbers with units, some of them with fractions.
func randomText(random *rand.Rand) string {
	units := []string{"ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h"}
	var text strings.Builder
	if random.Intn(3) == 0 {
		text.WriteByte("+-"[random.Intn(2)])
	}
	for range 1 + random.Intn(3) {
		fmt.Fprintf(&text, "%d", random.Int63n(int64(math.Pow10(1+random.Intn(8)))))
		if random.Intn(2) == 0 {
			fraction := random.Int63n(int64(math.Pow10(1 + random.Intn(17))))
			fmt.Fprintf(&text, ".%0*d", 1+random.Intn(19), fraction)
		}
		text.WriteString(units[random.Intn(len(units))])
	}
	return text.String()
}
