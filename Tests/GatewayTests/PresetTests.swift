import Delivery
import Policy
import Testing

@testable import Gateway

/// Contract section 9: presets are defaults that the connector's own keys override.
@Suite("Presets")
struct PresetTests {
    private func connector(_ members: String) throws -> ReceiveConnector {
        try #require(
            try readConfiguration(configurationFile(connector: members)).rulebook.receiveConnectors
                .first
        )
    }

    @Test("default-frontend: TLS offered, anonymous")
    func defaultFrontend() throws {
        let it = try connector(#"preset: "default-frontend","#)
        #expect(it.tls.mode == .offered && it.permissionGroups == [.anonymous])
        #expect(it.rights == .anonymousGroup)
    }

    @Test("client-frontend: TLS required, plain and login, applications")
    func clientFrontend() throws {
        let it = try connector(#"preset: "client-frontend","#)
        #expect(it.tls.mode == .required && it.authentication == [.plain, .login])
        #expect(it.permissionGroups == [.applications])
    }

    @Test("anonymous-relay: TLS offered, anonymous, any recipient")
    func anonymousRelay() throws {
        let it = try connector(#"preset: "anonymous-relay", remoteIPRanges: ["10.1.30.7"],"#)
        #expect(it.tls.mode == .offered && it.permissionGroups == [.anonymous])
        #expect(it.rights == Rights.anonymousGroup.union(.acceptAnyRecipient))
    }

    @Test("legacy-device: no TLS, no hello, half an hour, few keywords")
    func legacyDevice() throws {
        let it = try connector(#"preset: "legacy-device","#)
        #expect(it.tls.mode == .none && it.allowsMailWithoutHello && it.permissionGroups == [])
        #expect(it.limits.lifetime == .seconds(1800))
        #expect(it.suppressedKeywords == ["CHUNKING", "BINARYMIME", "SMTPUTF8"])
    }

    @Test("own keys override, wherever they stand in the file")
    func overriding() throws {
        for members in [
            #"preset: "client-frontend", tls: { mode: "none" }, authentication: ["plain"], permissionGroups: ["anonymous"],"#,
            #"tls: { mode: "none" }, authentication: ["plain"], permissionGroups: ["anonymous"], preset: "client-frontend","#,
        ] {
            let it = try connector(members)
            #expect(it.tls.mode == .none && it.authentication == [.plain])
            #expect(it.permissionGroups == [.anonymous])
        }
        let relay = try connector(
            #"preset: "anonymous-relay", remoteIPRanges: ["10.0.0.1"], withoutRights: ["acceptAnyRecipient"],"#
        )
        #expect(relay.rights == .anonymousGroup)
        let device = try connector(
            #"preset: "legacy-device", allowWithoutHello: false, suppressKeywords: [], limits: { lifetime: "1m" },"#
        )
        #expect(!device.allowsMailWithoutHello && device.suppressedKeywords == [])
        #expect(device.limits.lifetime == .seconds(60))
        // A tls object that says nothing of the mode leaves the preset's.
        let frontend = try connector(
            #"preset: "default-frontend", tls: { minimumVersion: "1.3" },"#
        )
        #expect(frontend.tls.mode == .offered && frontend.tls.minimumVersion == .v13)
    }

    @Test("the presets of send connectors set their limits, and own limits override them")
    func sending() throws {
        let microsoft = try readConfiguration(
            configurationFile(send: #"preset: "m365-submission","#)
        ).routes[0].limits
        #expect(microsoft.connections == 3 && microsoft.messagesPerMinute == 30)
        #expect(microsoft.recipientsPerMessage == 500)
        let google = try readConfiguration(configurationFile(send: #"preset: "google-relay","#))
            .routes[0].limits
        #expect(google.recipientsPerMessage == 100)
        let own = try readConfiguration(
            configurationFile(send: #"limits: { connections: 2 }, preset: "m365-submission","#)
        ).routes[0].limits
        #expect(own.connections == 2 && own.messagesPerMinute == 30)
    }
}
