"""Currencies and measures by the forms in which English text writes them."""

from __future__ import annotations

SYMBOLS = {
    "$": "USD", "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "HK$": "HKD", "S$": "SGD",
    "NZ$": "NZD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "CN¥": "CNY", "₽": "RUB", "₸": "KZT", "₹": "INR",
    "Rs": "INR", "Rs.": "INR", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₼": "AZN", "₾": "GEL", "₪": "ILS",
}  # fmt: skip
CURRENCIES = {
    "USD": "us dollar|u.s. dollar|american dollar|dollar", "EUR": "euro", "KZT": "tenge|kazakh tenge",
    "GBP": "pound sterling|british pound|pound|pounds sterling", "RUB": "ruble|rouble|russian ruble",
    "CNY": "yuan|renminbi|rmb|chinese yuan", "JPY": "yen|japanese yen", "INR": "rupee|indian rupee",
    "CHF": "swiss franc", "TRY": "lira|turkish lira", "KRW": "south korean won", "PLN": "zloty", "ZAR": "rand",
    "UAH": "hryvnia", "UZS": "soum", "KGS": "kyrgyz som", "AZN": "manat", "AMD": "dram", "GEL": "lari",
    "AED": "dirham", "SAR": "riyal", "ILS": "shekel", "BRL": "reais|brazilian real", "AUD": "australian dollar",
    "CAD": "canadian dollar", "HKD": "hong kong dollar", "NZD": "new zealand dollar", "SGD": "singapore dollar",
}  # fmt: skip
MEASURES = {
    "percent": "percent|per cent|pct|%|％", "percentage points": "percentage point|percent point|pp|ppt|p.p.",
    "basis points": "basis point|bps", "m2": "square meter|square metre|sq meter|sq metre|sq m|sq. m|sqm|m2|m²",
    "km2": "square kilometer|square kilometre|sq km|sq. km|km2|km²", "hectare": "hectare|ha", "acre": "acre",
    "km": "kilometer|kilometre|km", "m": "m|meter|metre", "cm": "centimeter|centimetre|cm", "mile": "mile",
    "ft": "foot|feet|ft", "inch": "inch", "kg": "kilogram|kilo|kg", "tonne": "tonne|ton|metric ton",
    "m3": "cubic meter|cubic metre|m3|m³", "litre": "litre|liter", "barrel": "barrel|bbl", "MW": "megawatt|mw",
    "GW": "gigawatt|gw", "kWh": "kilowatt hour|kwh", "MWh": "megawatt hour|mwh", "GWh": "gigawatt hour|gwh",
    "°F": "°f", "°C": "°c|℃|degree celsius|degrees celsius", "degree": "degree",
    "km/h": "km/h|kph|kilometers per hour|kilometres per hour", "mph": "mph|miles per hour", "year": "year",
    "month": "month", "week": "week", "day": "day", "hour": "hour", "minute": "minute", "second": "second",
}  # fmt: skip
UNITS = {form: unit for unit, forms in (CURRENCIES | MEASURES).items() for form in (unit.lower(), *forms.split("|"))}
UNITS |= {mark.lower(): unit for mark, unit in SYMBOLS.items()} | {"won": "KRW", "s": "decade"}
