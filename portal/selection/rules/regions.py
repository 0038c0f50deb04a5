"""Regions of the world and the countries in them.

Source: the geographic regions of the United Nations' standard M49 (https://unstats.un.org/unsd/methodology/m49/), by
ISO 3166-1 alpha-2 codes. M49 gives Antarctica no region and has no place for Taiwan and Kosovo, to which the Unicode
CLDR's containment gives the regions around them; so does this table.
"""

# Region → subregion → countries.
M49: dict[str, dict[str, str]] = {
    "Africa": {
        "Northern Africa": "DZ EG EH LY MA SD TN",
        "Eastern Africa": "BI DJ ER ET IO KE KM MG MU MW MZ RE RW SC SO SS TF TZ UG YT ZM ZW",
        "Middle Africa": "AO CD CF CG CM GA GQ ST TD",
        "Southern Africa": "BW LS NA SZ ZA",
        "Western Africa": "BF BJ CI CV GH GM GN GW LR ML MR NE NG SH SL SN TG",
    },
    "Americas": {
        "Caribbean": "AG AI AW BB BL BQ BS CU CW DM DO GD GP HT JM KN KY LC MF MQ MS PR SX TC TT VC VG VI",
        "Central America": "BZ CR GT HN MX NI PA SV",
        "Northern America": "BM CA GL PM US",
        "South America": "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE",
    },
    "Asia": {
        "Central Asia": "KG KZ TJ TM UZ",
        "Eastern Asia": "CN HK JP KP KR MN MO TW",
        "South-eastern Asia": "BN ID KH LA MM MY PH SG TH TL VN",
        "Southern Asia": "AF BD BT IN IR LK MV NP PK",
        "Western Asia": "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE",
    },
    "Europe": {
        "Eastern Europe": "BG BY CZ HU MD PL RO RU SK UA",
        "Northern Europe": "AX DK EE FI FO GB GG IE IM IS JE LT LV NO SE SJ",
        "Southern Europe": "AD AL BA ES GI GR HR IT ME MK MT PT RS SI SM VA XK",
        "Western Europe": "AT BE CH DE FR LI LU MC NL",
    },
    "Oceania": {
        "Australia and New Zealand": "AU CC CX HM NF NZ",
        "Melanesia": "FJ NC PG SB VU",
        "Micronesia": "FM GU KI MH MP NR PW UM",
        "Polynesia": "AS CK NU PF PN TK TO TV WF WS",
    },
}

SUBREGIONS: dict[str, frozenset[str]] = {
    name: frozenset(codes.split()) for parts in M49.values() for name, codes in parts.items()
}
REGIONS: dict[str, frozenset[str]] = {
    name: frozenset[str]().union(*(SUBREGIONS[part] for part in parts)) for name, parts in M49.items()
}
# Both, a region before its subregions: what can be named in a limit.
NAMED: dict[str, frozenset[str]] = {
    name: codes
    for region, parts in M49.items()
    for name, codes in ((region, REGIONS[region]), *((part, SUBREGIONS[part]) for part in parts))
}
