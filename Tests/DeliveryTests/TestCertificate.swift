/// A key and a certificate for sink.test and 127.0.0.1, valid for a hundred years.
enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmzCCAUGgAwIBAgIUC6LVioaB18xbd8LSf2euTGoqUrIwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJc2luay50ZXN0MCAXDTI2MTEyMjExNDgwN1oYDzIxMjYxMDI5
        MTE0ODA3WjAUMRIwEAYDVQQDDAlzaW5rLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAASvEpccVCr4ZvZ9P+kOYvCbyRO8J2ne+WdZ1KWszCQm513IqklkyTIe
        5tjFqOMF+E5bwlEl8zjoXfKpSDgYvmoHo28wbTAdBgNVHQ4EFgQUCRgv/qgLvF9n
        YM9thlCN3CeUriAwHwYDVR0jBBgwFoAUCRgv/qgLvF9nYM9thlCN3CeUriAwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglzaW5rLnRlc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSAAwRQIgbjb9w/LTYEK9Hd/659e/9Dmbn1+MvkjoloMQgS8/TCwCIQCU
        ePM5qdsqu0IRtsOD1xBuqCKrD1m9Cxa904hPDM2BmA==
        -----END CERTIFICATE-----

        """
    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTZju5UDe2pNqd/OP
        IkUN9PE28+erI5cAdaHpSrv7Jy2hRANCAASvEpccVCr4ZvZ9P+kOYvCbyRO8J2ne
        +WdZ1KWszCQm513IqklkyTIe5tjFqOMF+E5bwlEl8zjoXfKpSDgYvmoH
        -----END PRIVATE KEY-----

        """
}
