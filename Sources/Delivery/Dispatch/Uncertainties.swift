package import Mail
import Store

extension Dispatcher {
    /// What holds for mail of these applications, whatever the settings say.
    package func adopt(_ uncertainties: [ApplicationID: DeliverySettings.Uncertainty]) {
        decide { state in
            state.uncertainties = uncertainties
            return []
        }
    }
}

extension DispatchState {
    func uncertainty(of entry: QueueEntry) -> DeliverySettings.Uncertainty {
        settings.uncertainty(of: entry, unless: uncertainties)
    }
}

extension DeliverySettings {
    /// The application's own word counts before that of the settings.
    func uncertainty(
        of entry: QueueEntry,
        unless uncertainties: [ApplicationID: Uncertainty]
    ) -> Uncertainty {
        guard !uncertainties.isEmpty, let application = entry.application else { return uncertain }
        return uncertainties[application] ?? uncertain
    }
}
