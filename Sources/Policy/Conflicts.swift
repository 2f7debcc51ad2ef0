import Mail

/// Two receive connectors that would quarrel over a client, told apart by name.
package struct ConnectorConflict: Hashable, Sendable {
    package let first: String
    package let second: String
    package let binding: Binding
    package let text: String
}

extension Rulebook {
    /// Two connectors on one binding may overlap only when one range strictly contains the other,
    /// so that the tighter one always wins.
    package var conflicts: [ConnectorConflict] {
        let enabled = receiveConnectors.filter(\.isEnabled)
        return enabled.indices.flatMap { index in
            enabled[(index + 1)...].flatMap { other in conflicts(enabled[index], other) }
        }
    }

    private func conflicts(
        _ first: ReceiveConnector,
        _ second: ReceiveConnector
    ) -> [ConnectorConflict] {
        first.bindings.filter { second.bindings.contains($0) && $0.port != 0 }.flatMap { binding in
            clashes(first, second, at: binding).map { clash in
                ConnectorConflict(
                    first: first.name,
                    second: second.name,
                    binding: binding,
                    text: clash
                )
            }
        }
    }

    private func clashes(
        _ first: ReceiveConnector,
        _ second: ReceiveConnector,
        at binding: Binding
    ) -> [String] {
        if first.door != second.door { return ["one speaks smtp and the other http"] }
        return first.ranges(at: binding).flatMap { range in
            second.ranges(at: binding).compactMap { other in clash(range, other) }
        }
    }

    private func clash(_ range: AddressRange, _ other: AddressRange) -> String? {
        guard range.overlaps(other) else { return nil }
        if range == other {
            return [.allV4, .allV6].contains(range)
                ? "both serve every address; give one of them narrower remoteIPRanges"
                : "both list \(range)"
        }
        guard !range.contains(other), !other.contains(range) else { return nil }
        return "\(range) and \(other) overlap and neither contains the other"
    }
}

extension ReceiveConnector {
    /// Its ranges; where it names none, every address that can reach the binding.
    fileprivate func ranges(at binding: Binding) -> [AddressRange] {
        guard servesEveryone else { return remoteRanges }
        return [binding.family == .v4 ? .allV4 : .allV6]
    }
}
