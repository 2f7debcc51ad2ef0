/// Certificates for tests, valid until the next century, their keys nobody's secret.
enum TestPEM {
    /// Signs `leaf`, `expired` and `client`.
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBjDCCATGgAwIBAgIUMbuOVEhW3cX+Vho8AIdzKxgFDpAwCgYIKoZIzj0EAwIw
        GjEYMBYGA1UEAwwPUG9zdGVybiB0ZXN0IENBMCAXDTI2MTEyMjExNDIyN1oYDzIx
        MjYxMDI5MTE0MjI3WjAaMRgwFgYDVQQDDA9Qb3N0ZXJuIHRlc3QgQ0EwWTATBgcq
        hkjOPQIBBggqhkjOPQMBBwNCAATiJERqL40sXlasGOhucJtZVINSvsyY9lGJLZ2N
        4eG5T1ZCFbeBmf0sNz5Qn5Rz0tQAPjzvVZKbPuPj9uf7/kkQo1MwUTAdBgNVHQ4E
        FgQUQD//uCnMeN35QaZ/4wnzIejiFJUwHwYDVR0jBBgwFoAUQD//uCnMeN35QaZ/
        4wnzIejiFJUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA3AX5
        hdxm9QbrbAzFC0yQIqmhqkLcyXZYv119ELkclEcCIQC8RrGkDkTPkn7d7sifoWTk
        iSDm6Uq2K7MiHR+FBUBYQg==
        -----END CERTIFICATE-----
        """

    /// Signs nothing of ours.
    static let stranger = """
        -----BEGIN CERTIFICATE-----
        MIIBizCCATGgAwIBAgIUQJAmjdbOKc8WeJ/Q+Z2ctmLsy3MwCgYIKoZIzj0EAwIw
        GjEYMBYGA1UEAwwPQW5vdGhlciB0ZXN0IENBMCAXDTI2MTEyMjExNDIyN1oYDzIx
        MjYxMDI5MTE0MjI3WjAaMRgwFgYDVQQDDA9Bbm90aGVyIHRlc3QgQ0EwWTATBgcq
        hkjOPQIBBggqhkjOPQMBBwNCAARiJAWCnVjfQsObbYE9iKHGEj4BUvzOMhVd377+
        3AslInR6kq/tvRWkp+pgd48QPGg1tXpitmL70/J/qQ0HSBIyo1MwUTAdBgNVHQ4E
        FgQUqyr277FTSvCZkqXdFoNfeDjf4u8wHwYDVR0jBBgwFoAUqyr277FTSvCZkqXd
        FoNfeDjf4u8wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAtzyK
        K1l63Hv4MZxBCBqTVpQHyXZw7eQqLwr6ZcEmyxACIBWqCEQeAYsFGRoiHr3rAljw
        KyCv72TtVlSAAGy+SbJK
        -----END CERTIFICATE-----
        """

    /// mail.example.test, *.wild.example.test, 127.0.0.1.
    static let leaf = """
        -----BEGIN CERTIFICATE-----
        MIIBwTCCAWigAwIBAgIUDqEC71DQWZq7nc9egIA41nPvdZwwCgYIKoZIzj0EAwIw
        GjEYMBYGA1UEAwwPUG9zdGVybiB0ZXN0IENBMCAXDTI2MTEyMjExNDIyN1oYDzIx
        MjUwNjE2MTE0MjI3WjAcMRowGAYDVQQDDBFtYWlsLmV4YW1wbGUudGVzdDBZMBMG
        ByqGSM49AgEGCCqGSM49AwEHA0IABETgr9smvezzjJOZj4PfHcpKzPB2uaS63PXu
        F68IheO6djpvMfFq+xQcG0bK+QWV1PqkVqgw93y/96/ad4g7bdmjgYcwgYQwNwYD
        VR0RBDAwLoIRbWFpbC5leGFtcGxlLnRlc3SCEyoud2lsZC5leGFtcGxlLnRlc3SH
        BH8AAAEwCQYDVR0TBAIwADAdBgNVHQ4EFgQU/rTt1b4N87KBGd/I8GG+d17Lr70w
        HwYDVR0jBBgwFoAUQD//uCnMeN35QaZ/4wnzIejiFJUwCgYIKoZIzj0EAwIDRwAw
        RAIgEvobVOYLtcbdgLlydwZ1JevaeVhsGYDrYD0LpstYW9wCIAOhn3YyjFZNqPuP
        5gVVTxbut3+gV6NrF3wn//tO34Fv
        -----END CERTIFICATE-----
        """

    /// mail.example.test, 127.0.0.1; ended in 2021. The key is the leaf's.
    static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBijCCATGgAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9Qb3N0ZXJu
        IHRlc3QgQ0EwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAcMRowGAYD
        VQQDDBFtYWlsLmV4YW1wbGUudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
        BETgr9smvezzjJOZj4PfHcpKzPB2uaS63PXuF68IheO6djpvMfFq+xQcG0bK+QWV
        1PqkVqgw93y/96/ad4g7bdmjZjBkMCIGA1UdEQQbMBmCEW1haWwuZXhhbXBsZS50
        ZXN0hwR/AAABMB0GA1UdDgQWBBT+tO3Vvg3zsoEZ38jwYb53XsuvvTAfBgNVHSME
        GDAWgBRAP/+4Kcx43flBpn/jCfMh6OIUlTAKBggqhkjOPQQDAgNHADBEAiBlaXXM
        r4Z2IStx/Tfbhl4GFjRZq3gK+fUnyPt55OG1ZgIgZj2VlzhTZB9PoHZZXdWb0zN9
        s/iHjepu3Dtp7Kp7yg8=
        -----END CERTIFICATE-----
        """

    /// mail.example.test, signed by its own key, the leaf's.
    static let selfSigned = """
        -----BEGIN CERTIFICATE-----
        MIIBrTCCAVOgAwIBAgIUaz2tmMteHLfHid/hTdBUz6FVt6swCgYIKoZIzj0EAwIw
        HDEaMBgGA1UEAwwRbWFpbC5leGFtcGxlLnRlc3QwIBcNMjYxMTIyMTE0MjI3WhgP
        MjEyNTA2MTYxMTQyMjdaMBwxGjAYBgNVBAMMEW1haWwuZXhhbXBsZS50ZXN0MFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEROCv2ya97POMk5mPg98dykrM8Ha5pLrc
        9e4XrwiF47p2Om8x8Wr7FBwbRsr5BZXU+qRWqDD3fL/3r9p3iDtt2aNxMG8wHQYD
        VR0OBBYEFP607dW+DfOygRnfyPBhvndey6+9MB8GA1UdIwQYMBaAFP607dW+DfOy
        gRnfyPBhvndey6+9MA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0RBBUwE4IRbWFpbC5l
        eGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIhAPLMA9KsfSKsZVtN35inuOYA
        HIS5vTqv7oY527+UIaKuAiA5J+nmOi0nbZl8+gJ3rLa2LiYsRBiBNA6/qckLX4L8
        nQ==
        -----END CERTIFICATE-----
        """

    static let leafKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg86Bf5nWrK+AebCf8
        XMK8qR/JOhjYMikgDPQABPNUbMmhRANCAARE4K/bJr3s84yTmY+D3x3KSszwdrmk
        utz17hevCIXjunY6bzHxavsUHBtGyvkFldT6pFaoMPd8v/ev2neIO23Z
        -----END PRIVATE KEY-----
        """

    /// A client's, named "billing application".
    static let client = """
        -----BEGIN CERTIFICATE-----
        MIIBnjCCAUSgAwIBAgIUDqEC71DQWZq7nc9egIA41nPvdZ0wCgYIKoZIzj0EAwIw
        GjEYMBYGA1UEAwwPUG9zdGVybiB0ZXN0IENBMCAXDTI2MTEyMjExNDIyN1oYDzIx
        MjUwNjE2MTE0MjI3WjAeMRwwGgYDVQQDDBNiaWxsaW5nIGFwcGxpY2F0aW9uMFkw
        EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETSaxfjWRs4FicSXKgh02rOcJszmQBEYz
        ggXpS7BdSlaAn0tVqHL6ze6MjOJpE8BapDE/P6CMhnqVRyAeCxY81qNiMGAwEwYD
        VR0lBAwwCgYIKwYBBQUHAwIwCQYDVR0TBAIwADAdBgNVHQ4EFgQU1SP1L5m7hKp4
        DfmrY06cAZtmXtswHwYDVR0jBBgwFoAUQD//uCnMeN35QaZ/4wnzIejiFJUwCgYI
        KoZIzj0EAwIDSAAwRQIgMkRQmaA7EFIMlKu/FrI3dIK7wKW6nOSdh4QyY7nbsqEC
        IQDgKI4WAtPz3z/lNmxv9b2qkdLncB5DTG4r+p6nJOUU7A==
        -----END CERTIFICATE-----
        """

    static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5Y9v3tvawphPFESu
        eHnC+BtgOd3IKxpp3elhhz1VRB6hRANCAARNJrF+NZGzgWJxJcqCHTas5wmzOZAE
        RjOCBelLsF1KVoCfS1WocvrN7oyM4mkTwFqkMT8/oIyGepVHIB4LFjzW
        -----END PRIVATE KEY-----
        """

    static let strangerKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXqr051Cj3S0U/ZV7
        5/6e1x0hFdrk+C7p6Oz/LjD9RaqhRANCAARiJAWCnVjfQsObbYE9iKHGEj4BUvzO
        MhVd377+3AslInR6kq/tvRWkp+pgd48QPGg1tXpitmL70/J/qQ0HSBIy
        -----END PRIVATE KEY-----
        """
}
