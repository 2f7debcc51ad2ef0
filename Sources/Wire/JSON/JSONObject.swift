/// Members in the order they were written, each name once.
package struct JSONObject: Sendable {
    package struct Member: Hashable, Sendable {
        package let key: String
        package let value: JSONValue
    }

    package private(set) var members: [Member] = []
    /// Kept once a walk over the members would be slower.
    private var places: [String: Int]?
    private static let walked = 16

    package init() {}

    package var isEmpty: Bool { members.isEmpty }
    package var count: Int { members.count }
    package var keys: [String] { members.map(\.key) }

    /// Setting a new name appends it, setting nil takes it out.
    package subscript(key: String) -> JSONValue? {
        get { place(of: key).map { members[$0].value } }
        set {
            guard let place = place(of: key) else {
                if let newValue { append(key, newValue) }
                return
            }
            if let newValue {
                members[place] = Member(key: key, value: newValue)
            } else {
                members.remove(at: place)
                if places != nil { index() }
            }
        }
    }

    func contains(_ key: String) -> Bool { place(of: key) != nil }

    /// Its place among the members.
    package func place(of key: String) -> Int? {
        if let places { return places[key] }
        return members.firstIndex { $0.key == key }
    }

    /// The name must be new.
    mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if places != nil {
            places?[key] = members.count - 1
        } else if members.count > Self.walked {
            index()
        }
    }

    private mutating func index() {
        var places: [String: Int] = [:]
        for (place, member) in members.enumerated() { places[member.key] = place }
        self.places = places
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members == right.members
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(members) }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}
