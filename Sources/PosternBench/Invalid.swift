/// Why a run's figures cannot be believed.
struct Invalid: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
