"""Keys whose private halves are published in this repository for the demonstration: no other portal may use them."""

FINGERPRINTS = frozenset(
    {
        "1E625B5AA4CEFA8582BF0BFD5D003B756AAA9BD7",
        "71A61D85842F7FFEE97CDF6D7FB1B8CC09ADA2F0",
        "3F0328367D44C0D34A6D8428F9594F6D1E76F61B",
        "55B701C6FE7AC31F85F00D8182FD4B4D50AC7448",
    }
)
